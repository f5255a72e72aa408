"""A WebSocket server of others' making, which says back what it is told. usage: websocket_server.py HOST PORT"""

import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


def answer(connection):
    try:
        for message in connection:
            if message == "leave":
                connection.close(4001, "as asked")
            else:
                connection.send(message)
    except ConnectionClosed:
        # What its iterator makes of any code but the ordinary ones.
        pass
    print(f"closed {connection.close_code} {connection.close_reason}", flush=True)


with serve(answer, sys.argv[1], int(sys.argv[2]), max_size=None) as server:
    print("listening", flush=True)
    server.serve_forever()
