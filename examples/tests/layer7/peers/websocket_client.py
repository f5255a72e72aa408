"""A WebSocket client of others' making. usage: websocket_client.py HOST PORT NAME"""

import socket
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TIMEOUT = 60


def main(host, port, name):
    def open_one():
        plain = socket.create_connection((host, int(port)), TIMEOUT)
        return connect(
            f"ws://{name}/chat?a=b", sock=plain, max_size=None, open_timeout=TIMEOUT
        )

    with open_one() as connection:
        large = bytes(range(256)) * 8_000
        for message in ("hello", "", "\u00e9" * 70_000, b"\0\1\2", large):
            connection.send(message)
            assert connection.recv(TIMEOUT) == message
        assert connection.ping().wait(TIMEOUT), "a pong"
        # Fragments, which a proxy must leave as they are.
        connection.send(iter(["one ", "two ", "three"]))
        assert connection.recv(TIMEOUT) == "one two three"
        connection.close(4000, "enough")
    print("ok talk", flush=True)

    with open_one() as connection:
        connection.send("leave")
        try:
            connection.recv(TIMEOUT)
        except ConnectionClosed as closed:
            assert (closed.rcvd.code, closed.rcvd.reason) == (4001, "as asked"), closed
        else:
            raise AssertionError("it was to be closed")
    print("ok leave", flush=True)


main(*sys.argv[1:])
