"""What several folders of tests use: servers, stores, browsers, processes."""
