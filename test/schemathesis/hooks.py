"""What a JSON Schema cannot say of a request's body."""

import schemathesis


@schemathesis.hook
def filter_body(context, body):
    """The service refuses these keys wherever they stand: see "Bodies" in the description."""
    return not holds_refused_key(body)


def holds_refused_key(value):
    if isinstance(value, list):
        return any(holds_refused_key(one) for one in value)
    if not isinstance(value, dict):
        return False
    constructor = value.get("constructor")
    if "__proto__" in value or (isinstance(constructor, dict) and "prototype" in constructor):
        return True
    return any(holds_refused_key(one) for one in value.values())
