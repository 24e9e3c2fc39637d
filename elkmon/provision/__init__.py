"""What a cluster has to hold before events come: templates, retention, roles and keys."""
