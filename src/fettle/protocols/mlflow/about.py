"""What the server says of itself."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.protocols.mlflow.calls import Book, Call

BOOK = Book()
VERSION = "3.17.2"
"""Of MLflow, whose clients these endpoints were tried with."""


class Nothing(msgspec.Struct):
    """A request without fields."""


@BOOK.on("GET", "server-info", version="3.0")
@BOOK.on("GET", "server-info")
def server_info(_call: Call, asked: Nothing) -> Any:
    """Say what this server can do; clients ask before they send large files."""
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": True,
        "multipart_downloads_enabled": False,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "features_enabled": {"gateway": False},
    }
