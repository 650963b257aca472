"""A site is judged by the model it has promoted: at once, and never by one that cannot be trusted."""

from __future__ import annotations

import threading
import zlib

import pytest
from sqlalchemy import update

from moderation.people import Role
from moderation.review import Actor
from moderation.store.models import LabelsUsed, Training, name_of
from moderation.store.schema import arrays
from tests.api.test_dashboard import moderating
from tests.builders import make_head, make_manifest, weights_of, write_model
from tests.conftest import client_of, parts_of

ANN = Actor("ann", "command")
TRAINING = Training(labels=LabelsUsed(count=1, outcomes={"ham": 1}), champion="base")


@pytest.fixture
def promote(app, tmp_path):
    """Gives the blog a model of its own that scores everything alike, and lets it serve."""

    def promote_one(bias: float, **changes) -> str:
        parts = parts_of(app)
        site = parts.sites.site("blog")
        number = parts.models.next_number(site.id)
        base = parts.base.manifest
        heads = tuple(make_head(head.name, bias=bias if head.name == "spam" else -9.0) for head in base.heads)
        manifest = make_manifest(name=name_of("blog", number), heads=heads, bits=8)
        folder = tmp_path / f"made-{number}"
        write_model(folder, weights=weights_of({number: 1e-3 * number}, manifest), **{**fields_of(manifest), **changes})
        parts.models.add("blog", site.id, folder, TRAINING, ANN)
        parts.models.promote(site.id, number, ANN)
        parts.sites.forget()  # As if a second had passed.
        return manifest.name

    return promote_one


def fields_of(manifest) -> dict:
    return {name: getattr(manifest, name) for name in ("name", "heads", "bits")}


def checked(client, text: str = "Nice post!") -> dict:
    return client.post("/v1/comments", json={"text": text}).json


def test_a_promoted_model_judges_the_next_comment(client, promote):
    before = checked(client)
    name = promote(9.0)
    after = checked(client)
    assert (before["decision"], after["decision"]) == ("accept", "reject")
    assert after["model"] == name != before["model"]
    assert after["policy"].startswith(f"{name}+")


def test_rolling_back_is_as_quick(app, client, promote):
    promote(9.0)
    parts = parts_of(app)
    parts.models.rollback(parts.sites.site("blog").id, ANN)
    parts.sites.forget()
    assert checked(client)["model"] == parts.base.name


def test_other_sites_keep_their_model(app, client, promote):
    other = client_of(app, "other")
    promote(9.0)
    assert checked(other)["model"] == parts_of(app).base.name
    assert checked(client)["model"] == "blog/1"


def test_comments_of_sites_with_different_models_are_judged_together(app, client, promote):
    """Requests that meet share one pass; each is judged by its own site's model."""
    from moderation.check import Submission
    from moderation.comment import Comment

    parts = parts_of(app)
    other = parts.sites.create_site("other")
    promote(9.0)
    sites = [parts.sites.site("blog"), other] * 3
    found = parts.check([Submission(site.id, Comment(text="Nice post!"), parts.judging(site)) for site in sites])
    assert [one.verdict.model for one in found] == ["blog/1", parts.base.name] * 3


def test_a_model_without_a_bound_of_its_own_rejects_only_what_the_base_rejects(client, promote):
    promote(9.0, rejects_with_base=True)
    answer = checked(client, "I doubt the official story about the strike.")
    assert answer["decision"] == "hold"
    assert "unsure" in [reason["code"] for reason in answer["reasons"]]


def test_what_both_reject_is_rejected(client, promote):
    pills = "Buy cheap Viagra and Cialis without prescription http://best-pills.shop/buy http://cheap-meds.xyz/cialis"
    before = checked(client, pills)["decision"]
    promote(9.0, rejects_with_base=True)
    assert checked(client, pills + " now")["decision"] == before == "reject"


def test_learnt_weights_of_signals_come_with_the_model(client, promote):
    promote(0.0, signals={"too-fast": 7.25})
    signals = {one["code"]: one for one in client.get("/v1/site").json["signals"]}
    assert (signals["too-fast"]["weight"], signals["too-fast"]["learnt"]) == (7.25, True)


def test_weights_set_by_hand_stand_above_learnt_ones(client, promote):
    promote(0.0, signals={"too-fast": 7.25})
    client.patch("/v1/site", json={"weights": {"too-fast": 1.5}})
    signals = {one["code"]: one["weight"] for one in client.get("/v1/site").json["signals"]}
    assert signals["too-fast"] == 1.5


# -- What cannot be trusted


@pytest.fixture
def damaged(app, client, promote):
    """The second model of the blog is damaged in the database after it was promoted."""
    import shutil

    promote(9.0)
    parts = parts_of(app)
    parts.judging(parts.sites.site("blog"))
    promote(-9.0)
    shutil.rmtree(parts.settings.model_cache)
    with parts.engine.begin() as connection:
        connection.execute(update(arrays).values(data=zlib.compress(b"foreign")))
    return parts


def test_a_damaged_model_is_refused_and_the_old_one_serves_on(client, damaged, caplog):
    assert checked(client)["model"] == "blog/1"
    assert "blog/1 serves on" in caplog.text


def test_the_health_page_names_a_model_that_does_not_serve(app, damaged):
    page = moderating(app, "olga", Role.OWNER).get("/dashboard/health").text
    assert "SHA-256 differs" in page and "blog/1" in page and "hamlet models rollback" in page


def test_a_server_that_starts_with_a_damaged_model_serves_the_base(make_app, damaged):
    again = make_app(model_cache=damaged.settings.model_cache / "again")
    found = parts_of(again)
    assert found.judging(found.sites.site("blog")).classifier is found.base


def test_a_model_that_becomes_readable_again_serves_with_the_next_change(app, client, damaged, promote):
    checked(client)
    promote(-9.0)
    assert checked(client)["model"] == "blog/3"
    assert damaged.troubles == {}


def test_no_request_fails_while_models_are_exchanged(app, client, promote):
    """Four threads ask while models come and go."""
    done, failed = threading.Event(), []

    def ask(client) -> None:
        while not done.is_set():
            response = client.post("/v1/comments", json={"text": "Nice post!"})
            if response.status_code != 200:
                failed.append(response.text)

    threads = [threading.Thread(target=ask, args=(client_of(app, f"site-{n}"),)) for n in range(3)]
    threads.append(threading.Thread(target=ask, args=(client,)))
    for thread in threads:
        thread.start()
    parts = parts_of(app)
    for bias in (9.0, -9.0, 9.0):
        promote(bias)
    for _ in range(3):
        parts.models.rollback(parts.sites.site("blog").id, ANN)
        parts.sites.forget()
    done.set()
    for thread in threads:
        thread.join()
    assert failed == []


# -- Spot checks


@pytest.fixture
def drawing(app, client):
    """Every comment is drawn."""
    client.patch("/v1/site", json={"spot_checks": 1.0})
    parts_of(app).sites.forget()
    return client


def test_a_comment_that_was_drawn_is_accepted_and_waits_all_the_same(drawing):
    answer = checked(drawing)
    assert answer["decision"] == "accept"
    (waits,) = drawing.get("/v1/queue").json["items"]
    assert waits["id"] == answer["id"]


def test_nothing_tells_it_from_what_was_held(drawing):
    checked(drawing)
    (waits,) = drawing.get("/v1/queue").json["items"]
    assert (waits["decision"], waits["scores"]) == ("hold", {})
    assert all(reason["effect"] >= 0 for reason in waits["reasons"])


def test_trials_are_never_drawn(drawing):
    drawing.post("/v1/comments", json={"text": "Nice", "is_test": True})
    assert drawing.get("/v1/queue").json["items"] == []


def test_without_spot_checks_nothing_is_drawn(client):
    checked(client)
    assert client.get("/v1/queue").json["items"] == []


def test_about_the_share_that_was_asked_for_is_drawn(app, client):
    client.patch("/v1/site", json={"spot_checks": 0.25})
    parts_of(app).sites.forget()
    client.post("/v1/comments", json=[{"text": f"Nice post number {n}, dear Irena {n * n}"} for n in range(400)])
    from moderation.store.schema import samples

    with parts_of(app).engine.begin() as connection:
        shares = [row.share for row in connection.execute(samples.select())]
    assert 60 <= len(shares) <= 140 and set(shares) == {0.25}


def test_taking_back_a_review_puts_a_drawn_comment_back_and_leaves_it_published(drawing):
    answer = checked(drawing)
    review = drawing.post(f"/v1/comments/{answer['id']}/reviews", json={"outcome": "spam", "reviewer": "ann"})
    assert review.status_code in (200, 201), review.text
    undone = drawing.post(f"/v1/comments/{answer['id']}/undo", json={"number": 1, "reviewer": "ann"})
    assert undone.json["waits"] is True
    last = drawing.get("/v1/decisions?after=0").json["decisions"][-1]
    assert last["decision"] == "accept"


@pytest.mark.parametrize("share", [-0.1, 1.1, "all", None])
def test_a_share_that_is_none_is_refused(client, share):
    assert client.patch("/v1/site", json={"spot_checks": share}).status_code == 422


def test_choices_survive_as_they_were_made(client):
    chosen = {"most_ham_rejected": 0.01, "retrain_after": 200}
    assert client.patch("/v1/site", json=chosen).json["choices"] == chosen
