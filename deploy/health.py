"""The image's health check: whether the server in this container answers `/health`, as HTTP or as HTTPS.

It knows the port by MOCKLLM_PORT or PORT, and trusts any certificate, for this is no other machine. Of a proxy that
the environment names it asks nothing.
"""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection

PORT = int(os.environ.get("MOCKLLM_PORT") or os.environ.get("PORT") or 8080)
SECONDS = 2.0

anybody = ssl.create_default_context()
anybody.check_hostname = False
anybody.verify_mode = ssl.CERT_NONE

found = []
for connection in (
    HTTPConnection("127.0.0.1", PORT, timeout=SECONDS),
    HTTPSConnection("127.0.0.1", PORT, timeout=SECONDS, context=anybody),
):
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
        if status == 200:
            sys.exit()
        found.append(f"status {status}")
    except (OSError, HTTPException) as error:
        found.append(str(error))
    finally:
        connection.close()
sys.exit(f"no server answers at port {PORT}: {'; '.join(found)}")
