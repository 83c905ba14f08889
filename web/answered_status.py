"""What our HTTP protocol tells an application of a request that it has answered itself. It loads no server."""

ANSWERED_STATUS = "answered_status"
"""Where, in a request's scope, the status stands that it was answered with there: to its route, the client has gone."""
