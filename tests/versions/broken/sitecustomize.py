"""Put before a program by PYTHONPATH: libraries in it lack what BROKEN names, as in a release that has changed it.

BROKEN: words of the form LIBRARY:NAME. Flask and Werkzeug have the name replaced in all of their source, so that they
go on working. Of uvicorn it is missing where we look; uvicorn's own way to its protocols is found before. NAME() is
there, but takes other arguments. A NAME of nothing: there is no such library.
"""

import importlib.machinery
import importlib.util
import os
import re
import sys


class Renaming(importlib.machinery.SourceFileLoader):
    """Loads a module in which a name is another one."""

    renamed = ""

    def get_code(self, fullname):
        source = self.get_data(self.path).decode()
        source = re.sub(rf"\b{self.renamed}\b", f"{self.renamed}_2", source)
        return compile(source, self.path, "exec")


class Finder:
    """Finds the modules of a library, and has them loaded so."""

    def __init__(self, library, name):
        self._library = library
        self._loader = type("Loader", (Renaming,), {"renamed": name})

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != self._library:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = self._loader(name, spec.loader.path)
        return spec


class Hidden:
    """An object that lacks an attribute."""

    def __init__(self, found, name):
        vars(self).update(found=found, name=name)

    def __getattr__(self, name):
        if name == self.name:
            raise AttributeError(name)
        return getattr(self.found, name)


def without(kind, path):
    """uvicorn's class for HTTP without a method or an attribute, or one of its parts without an attribute."""
    first, _, rest = path.partition(".")

    def get(self, name):
        found = super(changed, self).__getattribute__(name)
        if name != first:
            return found
        if not rest:
            raise AttributeError(name)
        return Hidden(found, rest)

    attributes = {name: value for name, value in vars(kind).items() if name != path}
    attributes = {
        name: value for name, value in attributes.items() if name not in ("__dict__", "__weakref__")
    }
    if path not in vars(kind):
        attributes["__getattribute__"] = get
    changed = type(kind.__name__, kind.__bases__, attributes)
    return changed


def changed_function(name):
    def changed(self, *, something_new):
        raise NotImplementedError(name)

    changed.__qualname__ = name
    return changed


def changed_class(kind, method="__init__"):
    return type(kind.__name__, (kind,), {method: changed_function(f"{kind.__name__}.{method}")})


def break_uvicorn(name):
    from uvicorn.protocols.http import auto
    from uvicorn.protocols.http import httptools_impl as module

    spec = importlib.util.spec_from_file_location("uvicorn.protocols.http.whole", module.__file__)
    whole = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(whole)
    auto.AutoHTTPProtocol = whole.HttpToolsProtocol
    kind = module.HttpToolsProtocol
    if name in vars(module):
        delattr(module, name)
    elif name.removesuffix("()") in vars(module):
        setattr(module, name[:-2], changed_class(module.RequestResponseCycle))
    elif name.endswith("()"):
        module.HttpToolsProtocol = changed_class(kind, name[:-2])
    else:
        module.HttpToolsProtocol = without(kind, name)


def break_picows(name):
    from picows import picows as module

    kind = module.WSProtocol
    if name == "WSProtocol":
        del module.WSProtocol
    elif name == "WSProtocol()":
        module.WSProtocol = changed_class(kind)
    else:  # finds no frames any more
        module.WSProtocol = type("WSProtocol", (kind,), {"buffer_updated": lambda self, size: None})


def break_name(library, name):
    if not name:
        sys.modules[library] = None
    elif library == "uvicorn":
        break_uvicorn(name)
    elif library == "picows":
        break_picows(name)
    elif name.endswith("()"):
        import werkzeug._reloader as module

        setattr(module, name[:-2], changed_function(name))
    else:
        sys.meta_path.insert(0, Finder(library, name))


for word in os.environ["BROKEN"].split():
    break_name(*word.split(":"))
