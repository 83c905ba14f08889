"""The first steps of the receiver, as a program and as a function: its settings and its database."""

import os
import sqlite3
import sys
from typing import NoReturn

from receiver.settings import SettingError, SettingsT, load_settings
from receiver.store import prepare_database


def usable_settings(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings, and make the database. Raises SettingError where some value cannot work."""
    settings = load_settings(settings_class)
    try:
        prepare_database(settings.receiver_database)
    except (OSError, sqlite3.Error) as error:
        reason = f"RECEIVER_DATABASE: cannot use {settings.receiver_database}: {error}"
        raise SettingError(reason) from None
    return settings


def refuse_to_start(error: SettingError) -> NoReturn:
    """Say in one line what is to be changed, and exit 78 (EX_CONFIG of sysexits.h)."""
    sys.stderr.write(f"{error}\n")
    sys.exit(os.EX_CONFIG)
