"""`tamaru staff`: who signs in first; everybody else is invited by an owner."""

from typing import Annotated

import typer

from deploy import shop_commands
from services.points.staff import joining, passwords

app = typer.Typer(no_args_is_help=True, help="People who work at the shop.")


@app.callback()
def staff() -> None:
    """One command so far; more would stand beside it."""


@app.command("add-owner")
def add_owner(
    login: Annotated[str, typer.Argument(help="the e-mail address to sign in with")],
    name: Annotated[str, typer.Option(help="as others see it")] = "オーナー",
    password: Annotated[
        str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True)
    ] = "",
) -> None:
    """Add an owner, who signs in with this address and the password that is asked for."""
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        raise typer.BadParameter(f"a password has {passwords.SHORTEST} characters or more")
    if "@" not in login:
        raise typer.BadParameter("the login is an e-mail address")
    shop_commands.act(lambda batch: joining.add_owner(batch, login, password, name))
    print(f"{login} may sign in at /sign-in")
