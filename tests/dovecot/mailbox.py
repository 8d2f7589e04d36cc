"""Fills a Maildir with awkward messages: mailbox.py MAILDIR.

Prints, a line each, number, bytes and SHA-256 of what a server must send: the message with CRLF at the end
of each line, the last one included.
"""
import hashlib
import os
import sys


def messages():
    def mail(n, body, header=b""):
        return b"From: a%d@example.org\r\nSubject: awkward %d\r\n%s\r\n" % (n, n, header) + body

    yield mail(1, b"plain\r\n")
    yield mail(2, b"")
    yield mail(3, b".\r\n..\r\n...\r\n.a\r\n. \r\n")
    yield mail(4, b".\r\n" * 3000)
    yield mail(5, b"no line end after this")
    yield mail(6, b"a dot and no line end\r\n.")
    yield mail(7, bytes(c for c in range(1, 256) if c not in (10, 13)) + b"\r\n")
    yield mail(8, b"x" * 1000000 + b"\r\n")
    yield mail(9, b"." * 100000 + b"\r\n")
    yield mail(10, b"\r\n" * 5000)
    yield b"Subject: no body\r\nX-Long: " + b"y" * 5000 + b"\r\n"
    yield mail(12, "ä日本語🦀\r\n".encode() * 100)
    yield mail(13, b"+OK 5 octets\r\n-ERR no\r\n+OK\r\n.\r\n")
    yield mail(14, b"\x1b]0;title\x07\x1b[31mred\x1b[0m\r\n\xff\xfe\x80\r\n")
    yield mail(15, b"".join(b"z" * n + b"\r\n" for n in range(0, 300)))
    yield mail(16, b"blanks at the end   \r\n\t\r\n \r\n")
    yield mail(17, b"From the start\r\n>From quoted\r\n")
    yield mail(18, b"end\r\n\r\n\r\n")
    yield mail(19, b"a line of text that is not very long, again and again\r\n" * 20000)
    yield mail(20, b"\r\n.\r\n.x\r\n", "X-Héader: ünicode\r\n".encode())


def main():
    maildir = sys.argv[1]
    for folder in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(maildir, folder))
    for n, message in enumerate(messages(), 1):
        with open(os.path.join(maildir, "cur", "17000000%02d.M%dP1.test:2," % (n, n)), "wb") as f:
            f.write(message)
        sent = message if message.endswith(b"\r\n") else message + b"\r\n"
        print(n, len(sent), hashlib.sha256(sent).hexdigest())


main()
