"""One module per command of `escritoire`, each exposing a click command named `command`."""
