"""The kinds of stores, by the scheme of their address; each is imported when it is opened."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from elkmon.events.errors import ConfigError, ElkmonError
from elkmon.stores.location import FOLDER, Place, scheme_of
from elkmon.stores.protocol import Store

__all__ = ["open_store"]

GROUP = "elkmon.stores"
"""The entry points of stores in other packages: the name is the scheme, the value a callable that
takes the address as text and returns an open store."""
_BUILT_IN = {
    FOLDER: "elkmon.stores.local.store:LocalStore",
    "http": "elkmon.stores.elastic.store:ElasticStore",
    "https": "elkmon.stores.elastic.store:ElasticStore",
}
_CLIENT = "asking Elasticsearch needs its client: install it with pip install 'elkmon[elastic]'"
_EXTRAS = {
    "duckdb": "reading a store needs DuckDB: install it with pip install 'elkmon[query]'",
    "elastic_transport": _CLIENT,
    "elasticsearch": _CLIENT,
}
"""What to do about each package that a built-in store imports and that is not installed."""


def open_store(location: Place) -> Store:
    """Open the store in a folder, or at an address: ``https://es:9200``.

    Credentials, certificates and the prefix of indices come from the environment, or from files
    that it names.

    Raises:
        ConfigError: there is no store for such an address, or its package is not installed or does
            not work; an address or a setting cannot be used.
        StoreError: the folder cannot be used.
    """
    scheme = scheme_of(location)
    if scheme not in _BUILT_IN:
        return _open_plugin(_plugin(scheme), str(location))
    try:
        store: Store = EntryPoint(scheme, _BUILT_IN[scheme], GROUP).load()(str(location))
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _EXTRAS:
            raise
        raise ConfigError(_EXTRAS[package]) from error
    return store


def _plugin(scheme: str) -> EntryPoint:
    """Return the one plug-in of a scheme.

    Raises:
        ConfigError: there is none, or there are several.
    """
    plugins = tuple(entry_points(group=GROUP, name=scheme))
    if not plugins:
        others = sorted({*_BUILT_IN, *entry_points(group=GROUP).names} - {FOLDER})
        known = ", ".join(f"{name}://" for name in others)
        raise ConfigError(
            f"there is no store for {scheme}://; a store is a folder, or begins with {known}; "
            "if another package brings it, install that package here"
        )
    if len(plugins) > 1:
        names = " and ".join(_name(plugin) for plugin in plugins)
        raise ConfigError(f"{names} are both stores for {scheme}://: uninstall one of them")
    return plugins[0]


def _open_plugin(plugin: EntryPoint, address: str) -> Store:
    """Open a store of another package.

    Raises:
        ConfigError: the plug-in cannot be imported, fails, or returns what is no store.
        ElkmonError: what the plug-in itself raises of these.
    """
    try:
        store = plugin.load()(address)
    except ElkmonError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{_name(plugin)} cannot open {address}: {error!r}; see to that package"
        ) from error
    if not isinstance(store, Store):
        raise ConfigError(
            f"{_name(plugin)} opened {address} as {type(store).__name__}, which lacks methods of "
            "elkmon.stores.protocol.Store; see to that package"
        )
    return store


def _name(plugin: EntryPoint) -> str:
    """Return what a message calls a plug-in."""
    package = f" of {plugin.dist.name} {plugin.dist.version}" if plugin.dist else ""
    return f"the store plug-in {plugin.value}{package}"
