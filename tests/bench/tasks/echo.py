# The same conversation as echo.crp, on asyncio's protocols below streams: sockets of its own loop.
import asyncio
import socket
import sys

clients, lines = int(sys.argv[1]), int(sys.argv[2])
line = b"the quick brown fox jumps over the lazy dog, and does it again\r\n"


async def serve(peer):
    loop = asyncio.get_running_loop()
    with peer:
        while data := await loop.sock_recv(peer, 65536):
            await loop.sock_sendall(peer, data)


async def accept(listener):
    loop = asyncio.get_running_loop()
    tasks = set()
    while True:
        peer, _ = await loop.sock_accept(listener)
        task = asyncio.create_task(serve(peer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def client(port):
    loop = asyncio.get_running_loop()
    count = 0
    with socket.socket() as s:
        s.setblocking(False)
        await loop.sock_connect(s, ("127.0.0.1", port))
        for _ in range(lines):
            await loop.sock_sendall(s, line)
            count += len(await loop.sock_recv(s, 65536))
    return count


async def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    listener.setblocking(False)
    accepting = asyncio.create_task(accept(listener))
    port = listener.getsockname()[1]
    print(sum(await asyncio.gather(*(client(port) for _ in range(clients)))))
    accepting.cancel()


asyncio.run(main())
