"""Simulates any number of MySQL servers in one process, on ports of 127.0.0.1.

    python -m bot.lab.simulated_servers COUNT

prints the ports as one line of JSON, and serves until its standard input is closed. Each server accepts every user
with PASSWORD, reports the status of a healthy MySQL 8.4 replica, and answers every other statement with an empty OK.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from functools import cache
from typing import Any

from mysql_mimic import (
    ColumnType,
    IdentityProvider,
    MysqlServer,
    NativePasswordAuthPlugin,
    ResultColumn,
    ResultSet,
    User,
    packets,
)
from mysql_mimic.control import LocalControl
from mysql_mimic.session import BaseSession
from mysql_mimic.types import ServerStatus

PASSWORD = "simulated"  # noqa: S105 - of servers without data
VERSION = "8.4.6"
BACKLOG = 16
REPLICA_STATUS = {
    "Replica_IO_State": "Waiting for source to send event",
    "Source_Host": "db1.internal",
    "Source_User": "replication",
    "Source_Port": "3306",
    "Source_Log_File": "binlog.000042",
    "Read_Source_Log_Pos": "157",
    "Relay_Source_Log_File": "binlog.000042",
    "Replica_IO_Running": "Yes",
    "Replica_SQL_Running": "Yes",
    "Last_Errno": "0",
    "Exec_Source_Log_Pos": "157",
    "Seconds_Behind_Source": "0",
    "Last_IO_Errno": "0",
    "Last_SQL_Errno": "0",
    "SQL_Delay": "0",
    "Replica_SQL_Running_State": "Replica has read all relay log; waiting for more updates",
    "Retrieved_Gtid_Set": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5000",
    "Executed_Gtid_Set": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5000",
    "Auto_Position": "1",
}
"""SHOW REPLICA STATUS of a healthy replica; columns that are not listed are empty."""
_COLUMNS = (
    "Replica_IO_State Source_Host Source_User Source_Port Connect_Retry Source_Log_File Read_Source_Log_Pos "
    "Relay_Log_File Relay_Log_Pos Relay_Source_Log_File Replica_IO_Running Replica_SQL_Running Replicate_Do_DB "
    "Replicate_Ignore_DB Replicate_Do_Table Replicate_Ignore_Table Replicate_Wild_Do_Table "
    "Replicate_Wild_Ignore_Table Last_Errno Last_Error Skip_Counter Exec_Source_Log_Pos Relay_Log_Space "
    "Until_Condition Until_Log_File Until_Log_Pos Source_SSL_Allowed Source_SSL_CA_File Source_SSL_CA_Path "
    "Source_SSL_Cert Source_SSL_Cipher Source_SSL_Key Seconds_Behind_Source Source_SSL_Verify_Server_Cert "
    "Last_IO_Errno Last_IO_Error Last_SQL_Errno Last_SQL_Error Replicate_Ignore_Server_Ids Source_Server_Id "
    "Source_UUID Source_Info_File SQL_Delay SQL_Remaining_Delay Replica_SQL_Running_State Source_Retry_Count "
    "Source_Bind Last_IO_Error_Timestamp Last_SQL_Error_Timestamp Source_SSL_Crl Source_SSL_Crlpath "
    "Retrieved_Gtid_Set Executed_Gtid_Set Auto_Position Replicate_Rewrite_DB Channel_Name Source_TLS_Version "
    "Source_public_key_path Get_Source_public_key Network_Namespace"
)
"""The columns of MySQL 8.4, in order."""
COLUMNS = _COLUMNS.split()
packets.make_column_definition_41 = cache(packets.make_column_definition_41)  # the same 60 columns in every answer
ANSWERS = {
    "SHOW REPLICA STATUS": ResultSet(
        [tuple(REPLICA_STATUS.get(name, "") for name in COLUMNS)],
        [ResultColumn(name, ColumnType.VARCHAR) for name in COLUMNS],
    ),
    "SELECT @@GLOBAL.performance_schema AS enabled": ResultSet([(1,)], [ResultColumn("enabled", ColumnType.LONGLONG)]),
}
EMPTY_RESULT = ResultSet([], [])


class Variables(dict[str, Any]):
    """Only the variables that the protocol needs; evaluating all others takes time."""

    def set(self, name: str, value: object, force: bool = False) -> None:
        self[name] = value


class Session(BaseSession):  # type: ignore[misc] # the library has no types
    """Answers from ANSWERS, without parsing statements."""

    def __init__(self) -> None:
        self.variables = Variables(version=VERSION, character_set_client="utf8mb4", character_set_results="utf8mb4")
        self.username = None
        self.database = None

    async def init(self, connection: Any) -> None:  # noqa: ANN401
        """Sets the autocommit flag, as a real server does."""
        connection.status_flags = ServerStatus.SERVER_STATUS_AUTOCOMMIT

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> ResultSet:
        return ANSWERS.get(sql, EMPTY_RESULT)


class SinglePasswordIdentity(IdentityProvider):  # type: ignore[misc]
    """Accepts every user name with PASSWORD."""

    def __init__(self) -> None:
        self._plugins = [NativePasswordAuthPlugin()]
        self._secret = NativePasswordAuthPlugin.create_auth_string(PASSWORD)

    def get_plugins(self) -> list[NativePasswordAuthPlugin]:
        return self._plugins

    async def get_user(self, username: str) -> User:
        return User(username, self._secret, NativePasswordAuthPlugin.name)


async def serve(count: int) -> None:
    """Serves on `count` ports until standard input is closed."""
    identity, servers = SinglePasswordIdentity(), []
    for number in range(count):
        server = MysqlServer(session_factory=Session, identity_provider=identity, control=LocalControl(number + 1))
        await server.start_server(host="127.0.0.1", port=0, backlog=BACKLOG)
        servers.append(server)
    gc.freeze()  # exempts the long-lived servers from garbage collection
    sys.stdout.write(json.dumps([server.sockets()[0].getsockname()[1] for server in servers]) + "\n")
    sys.stdout.flush()
    ended = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(ended), sys.stdin)
    await ended.read()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
