"""The five dashboards, one module each: which questions they answer, and by which figures."""

from elkmon.provision.kibana.dashboards import overview

DASHBOARDS = (overview.DASHBOARD,)
