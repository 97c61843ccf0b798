"""The names for those who extend the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

from simplebroker import ext

NAMES = """
    ActivityWaiter BACKEND_API_VERSION BackendAwareRunner BackendPlugin BaseWatcher BrokerConnection
    BrokerError DataError DatabaseError DeliveryGuarantee IntegrityError InvalidConfigError
    MaintenanceSchedule MessageError MultiQueueActivityWaiterHook OperationalError PollingStrategy
    QueueNameError RESERVED_TABLE_NAMES SQLRunner SQLiteRunner SetupPhase SidecarSession
    SidecarUnavailableError StopWatching TimestampError TimestampGenerator default_error_handler
    find_project_config get_backend_plugin project_config_path_for_directory
    resolve_project_target vacuum_is_eligible validate_delivery_guarantee
""".split()


def test_the_list_of_names() -> None:
    assert sorted(ext.__all__) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_imported(name: str) -> None:
    assert getattr(ext, name) is not None


def test_other_names_are_none() -> None:
    with pytest.raises(AttributeError):
        ext.no_such_name  # noqa: B018


@pytest.mark.ours
def test_importing_the_module_is_cheap() -> None:
    program = "import sys, simplebroker.ext; print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n"
