"""The five dashboards, one module each: which questions they answer, and by which figures."""
