"""One file per API: what the API is, its versions, its errors, its handler.

To add one: a module here with a header docstring (what each version added, which errors it answers) and a handler under
`@api(TheRequest)`. Nothing else lists it; `broker.dispatch` finds it and ApiVersions advertises it.
"""
