"""The HTTP kernel: requests and answers as values over WSGI; it knows no DAV."""
