"""A mail server for tests, on a free port of this machine: server.py CERTIFICATES starttls|tls|plain

Prints its port, then each message that it takes as one line of JSON. It ends when its input does. It takes messages only
of `watch` with the password `a password`, and knows nobody called nobody.
"""

import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data.decode() if session.auth_data else None,
            "is_tls": session.ssl is not None or mode == "tls",
            "subject": message["subject"],
            "message_id": message["message-id"],
            "text": message.get_content(),
        }
        print(json.dumps(told), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"watch", b"a password")
    return AuthResult(success=good, handled=False, auth_data=data.login if good else None)


class OnFreePort(Controller):
    def _trigger_server(self):
        # The controller asks itself once whether it works; the port is known only when it listens.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


certificates, mode = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(f"{certificates}/own.pem", f"{certificates}/own.key")
settings = {"starttls": {"tls_context": context, "require_starttls": True}, "tls": {"ssl_context": context}, "plain": {}}
controller = OnFreePort(
    Handler(),
    hostname="127.0.0.1",
    port=0,
    authenticator=authenticate,
    auth_required=mode != "plain",
    auth_require_tls=mode == "starttls",
    **settings[mode],
)
controller.start()
print(controller.port, flush=True)
sys.stdin.read()
controller.stop()
