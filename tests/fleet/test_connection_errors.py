"""What Firstmate says when its own connection fails because of TLS or the authentication."""

from __future__ import annotations

import pymysql
import pytest

from bot.fleet.connection_errors import connecting

HANDSHAKE = "Can't connect to MySQL server on 'db1' ([SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version)"
EXPIRED = "Can't connect to MySQL server on 'db1' ([SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired)"


@pytest.mark.parametrize(
    ("code", "text", "says"),
    [
        (2003, HANDSHAKE, "The TLS handshake with db1:3306 failed"),
        (2003, EXPIRED, "db1:3306 presented a certificate that is not trusted"),
        (2003, "Can't connect to MySQL server on 'db1' (timed out)", "db1:3306 does not accept connections"),
        (2026, "SSL is required but the server doesn't support it", "db1:3306 offers no TLS"),
        (
            2061,
            "Authentication requires secure connection.",
            "authenticates firstmate only over TLS or with its public",
        ),
        (3159, "Connections using insecure transport are prohibited", "db1:3306 requires TLS"),
    ],
)
def test_each_error_has_its_sentence_and_a_next_step(code, text, says):
    found = connecting(pymysql.err.OperationalError(code, text), "db1", 3306, "firstmate")
    assert says in found
    assert found.endswith(".")
