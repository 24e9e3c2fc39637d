"""Where a test works: a Kibana, and a space and a prefix of its own."""

from contextlib import closing
from dataclasses import dataclass

from elkmon.events.cluster_settings import Access
from elkmon.kibana.client import Kibana


@dataclass
class Place:
    """Where a test works: a Kibana, and a space and a prefix of its own."""

    url: str
    access: Access
    space: str
    prefix: str

    def kibana(self, space=None):
        """Give a client, to be closed."""
        return closing(Kibana(self.url, self.access, space or self.space))
