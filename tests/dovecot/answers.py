"""What Python's poplib is told by a server: answers.py PORT USER PASSWORD.

The words are those of answers.crp.
"""
import hashlib
import poplib
import sys

poplib._MAXLINE = 1 << 26  # its own limit, 2048 bytes, would end the session


def text(reply):
    return reply.decode("latin-1")[4:]


def body(lines):
    whole = b"".join(line + b"\r\n" for line in lines)
    return "%d %s" % (len(whole), hashlib.sha256(whole).hexdigest())


def refused(what):
    try:
        what()
        return "no error"
    except poplib.error_proto as e:
        return e.args[0].decode("latin-1")


def main():
    p = poplib.POP3("127.0.0.1", int(sys.argv[1]), timeout=30)
    p.user(sys.argv[2])
    p.pass_(sys.argv[3])
    count, size = p.stat()
    print("status", count, size)
    for line in p.list()[1]:
        print("listed", line.decode())
    for line in p.uidl()[1]:
        print("uid", line.decode())
    for n in range(1, count + 1):
        print("size of", n, p.list(n).split()[2].decode())
        print("uid of", n, p.uidl(n).split()[2].decode())
        print("fetched", n, body(p.retr(n)[1]))
        for lines in (0, 1, 3):
            print("top", n, lines, body(p.top(n, lines)[1]))
    print("noop", text(p.noop()))
    print("no such message", refused(lambda: p.retr(count + 1)))
    print("delete", text(p.dele(2)))
    print("deleted", refused(lambda: p.retr(2)))
    print("status", *p.stat())
    print("reset", text(p.rset()))
    print("status", *p.stat())
    p.quit()


main()
