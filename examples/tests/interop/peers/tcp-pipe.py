#!/usr/bin/env python3
"""TCP to HOST PORT, tied to standard input and output, each half ending by itself. Exit code 0: both ended well.

Envoy as a client takes plain TCP; this is the application in front of it.
"""
import os
import socket
import sys
import threading

connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))


def send():
    try:
        while octets := os.read(0, 65536):
            connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        os._exit(1)


threading.Thread(target=send, daemon=True).start()
try:
    while received := connection.recv(65536):
        view = memoryview(received)
        while view:
            view = view[os.write(1, view):]
except OSError:
    os._exit(1)
os.close(1)
# The other half ends by itself, or the process with it.
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join()
