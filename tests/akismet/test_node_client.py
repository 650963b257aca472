"""The Node client ``akismet-api`` 6.0.0: the integration tests that its package has, against the real server.

There they call the real service. The package and what its tests need are pinned in ``npm/package-lock.json``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from api.cli.connect import filled
from tests.akismet.conftest import PATIENCE
from tests.conftest import ROOT

CLIENTS = ROOT / ".venv" / "npm" / "node_modules"
AT_HAMLET = ROOT / "tests" / "akismet" / "npm" / "at-hamlet.cjs"


@pytest.fixture(scope="module")
def results(server):
    """What each of its tests came to."""
    if not CLIENTS.is_dir():
        pytest.fail("the Node clients are missing: run scripts/node", pytrace=False)
    spec = CLIENTS / "akismet-api" / "test" / "integration.spec.js"
    mocha = ("node", str(CLIENTS / "mocha" / "bin" / "mocha.js"), "--reporter", "json")
    given = {"AKISMET_KEY": server.key, "HAMLET_TEST_HOST": f"127.0.0.1:{server.port}", "NODE_PATH": str(CLIENTS)}
    done = subprocess.run(
        [*mocha, "--timeout", f"{PATIENCE:.0f}s", "--require", str(AT_HAMLET), str(spec)],
        cwd=CLIENTS.parent,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_tests_of_the_client_pass(results):
    assert [(one["fullTitle"], one["err"].get("message")) for one in results["failures"]] == []
    assert (results["stats"]["tests"], results["stats"]["passes"], results["stats"]["pending"]) == (5, 5, 0)


def test_the_client_is_the_one_that_is_meant():
    package = json.loads((CLIENTS / "akismet-api" / "package.json").read_text())
    assert package["version"] == "6.0.0"


def test_all_that_is_installed_is_pinned_by_its_content():
    lock = json.loads((ROOT / "tests" / "akismet" / "npm" / "package-lock.json").read_text())
    assert [name for name, one in lock["packages"].items() if name and not one.get("integrity")] == []


def test_the_lines_that_hamlet_connect_prints_work(server):
    target = {"SITE": "demo", "URL": "", "SCHEME": "http", "HOST": "127.0.0.1", "NETLOC": f"127.0.0.1:{server.port}"}
    steps = filled("npm.txt", target).replace("KEY", server.key)
    (block,) = re.findall(r"( +import .*?)\n   @cedx", steps, re.DOTALL)
    asked = "console.log(await client.checkSpam({ ip: '192.0.2.7', content: 'Thanks, that helped.' }))"
    command = ("node", "--input-type=module", "--eval", f"{block}\n{asked}")
    done = subprocess.run(command, cwd=CLIENTS.parent, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("false\n", "")
