"""Say where a Kibana test works: a Kibana, and a space and a prefix of its own."""

from contextlib import closing
from dataclasses import dataclass

from elkmon.events.cluster_settings import Access
from elkmon.kibana.client import Kibana


@dataclass
class KibanaTarget:
    """Where a test works: a Kibana, and a space and a prefix of its own."""

    url: str
    access: Access
    space: str
    prefix: str

    def kibana(self, space=None):
        """Return a context manager that closes its client."""
        return closing(Kibana(self.url, self.access, space or self.space))
