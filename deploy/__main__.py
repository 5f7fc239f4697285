"""`python -m deploy up | down | status | secrets | demo-accounts`: one stack, see `stack.py`."""

import sys

from deploy.accounts import AccountRefused, make_demo_accounts
from deploy.stack import StackError, Supervisor, down, up
from services.keyring import make_missing_secrets
from services.settings import Settings, SettingsError, load


def main(arguments: list[str]) -> int:
    """Run one command; return 0, or 1 with a message that says what to do."""
    command = arguments[0] if len(arguments) == 1 else ""
    try:
        return _run(command, load())
    except (StackError, SettingsError, AccountRefused) as err:
        print(err, file=sys.stderr)
        return 1


def _run(command: str, settings: Settings) -> int:
    match command:
        case "up":
            up(settings)
            print(f"dashboard  http://127.0.0.1:{settings.dashboard_port}")
            print(f"gateway    {settings.gateway_url}   patient app {settings.gateway_url}/app/")
        case "down":
            down(settings)
        case "status":
            print(Supervisor(settings).ask("status").stdout, end="")
        case "secrets":
            made = make_missing_secrets(settings.home)
            print(f"{len(made)} made in {settings.home / 'secrets'}")
        case "demo-accounts":
            print(f"demo logins in {make_demo_accounts(settings)}")
        case _:
            print("usage: python -m deploy up|down|status|secrets|demo-accounts", file=sys.stderr)
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
