"""The service against a model of a few lines, over calls, tokens, dry runs, repairs, faults and time in any order."""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.messages import HttpRequest
from pytest_es_upgrade.plans import Reset
from pytest_es_upgrade.samples import sample
from pytest_es_upgrade.service import Service

CONTRACT = shipped_contract()
CHECKS = CONTRACT.enum("validateType")
UPGRADE_SECONDS = 1800

IDS = st.sampled_from(["es-1", "es-2"])
TOKENS = st.sampled_from([None, "", "t", "u"])
BODIES = st.sampled_from(
    [
        {},
        {"version": "6.7"},
        {"version": "6.7", "type": "engineVersion"},
        {"version": "ali1.2.0", "type": "aliVersion"},
        {"type": "aliVersion"},
        {"version": "6.8"},
        {"version": "6.7", "type": "aliVersion"},
    ]
)
#: The fault that a call meets, and whether the service has acted by then.
FAULTS = {None: True, "answer_lost_after_start": True, "silence": True, "reset_after_reading": False, "gzip": True}


class Model:
    """What the service is to do, in as few words as it can be said."""

    def __init__(self):
        self.now, self.any_id, self.instances, self.tokens, self.started = 0, True, {}, {}, []

    def add(self, id_, version, kernel, activating, failing):
        self.any_id = False
        self.instances[id_] = [version, kernel, self.now + UPGRADE_SECONDS * activating, failing]

    def call(self, id_, body, token, dry_run):
        """The code of the error, or which checks fail."""
        if body in ({"version": "6.8"}, {"version": "6.7", "type": "aliVersion"}):
            return "InvalidParameter"
        content, live = (id_, body), bool(token) and not dry_run
        if live and token in self.tokens:
            first, answer = self.tokens[token]
            return answer if first == content else "IdempotentParameterMismatch"
        answer = self.answer(id_, body, token, dry_run)
        if live and not isinstance(answer, str):
            self.tokens[token] = content, answer
        return answer

    def answer(self, id_, body, token, dry_run):
        if id_ not in self.instances and not self.any_id:
            return "InstanceNotFound"
        version, kernel, usable_at, failing = self.instances.get(id_, ["6.3", None, 0, ()])
        if self.now < usable_at:
            return "InstanceActivating"
        patch = "ali1.2.0" in body.values() or "aliVersion" in body.values()
        if kernel if patch else version == "6.7":
            return "UpgradeNotSupported"
        if not dry_run and not failing:
            new = [version, "ali1.2.0"] if patch else ["6.7", kernel]
            self.instances[id_] = [*new, self.now + UPGRADE_SECONDS, failing]
            self.started.append((id_, token or None))
        return tuple(failing)


class ServiceMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.service, self.model, self.plans = Service(CONTRACT, lambda: 0.0), Model(), []

    @rule(
        id_=IDS,
        version=st.sampled_from(["6.3", "6.7"]),
        kernel=st.sampled_from([None, "ali1.2.0"]),
        activating=st.booleans(),
        failing=st.just(()) | st.sets(st.sampled_from(CHECKS)),
    )
    def add_instance(self, id_, version, kernel, activating, failing):
        # The model forgets every id that was never added; so does the service.
        if self.model.any_id:
            self.model.instances.clear()
        self.service.add_instance(id_, version=version, kernel=kernel, activating=activating, failing=failing)
        self.model.add(id_, version, kernel, activating, [check for check in CHECKS if check in failing])

    @rule(seconds=st.sampled_from([1, UPGRADE_SECONDS - 1, UPGRADE_SECONDS]))
    def time_passes(self, seconds):
        self.service.advance(seconds)
        self.model.now += seconds

    @rule(id_=IDS, body=BODIES, token=TOKENS, dry_run=st.booleans(), fault=st.sampled_from([*FAULTS]))
    def call(self, id_, body, token, dry_run, fault):
        if fault:
            self.service.fail_with(fault)
        plan = self.service.received(request(id_, body, token, dry_run)).plan
        expected = self.model.call(id_, body, token, dry_run) if FAULTS[fault] else None
        self.plans.append((plan, fault))
        assert self.service.script_left == 0
        if fault is None:
            assert said(plan) == expected

    @rule(id_=IDS, body=BODIES, token=TOKENS)
    def scripted(self, id_, body, token):
        self.service.reply_with("InstanceNotFound", times=1)
        plan = self.service.received(request(id_, body, token, dry_run=False)).plan
        self.plans.append((plan, None))
        assert plan.response == sample(CONTRACT, "InstanceNotFound")

    @rule()
    def connection_reset(self):
        self.service.fail_with("reset_before_reading")
        assert self.service.connected().steps == (Reset(),)

    @invariant()
    def what_was_started_is_what_the_model_started(self):
        if hasattr(self, "service"):
            started = self.service.started
            assert [(event.instance_id, event.token) for event in started] == self.model.started
            assert [event.upgrade for event in started] == list(range(1, self.service.upgrades_started + 1))
            assert [entry.fault for entry in self.service.journal] == [fault for _, fault in self.plans]
            tokens = [event.token for event in started if event.token]
            assert len(set(tokens)) == len(tokens)


def request(id_, body, token, dry_run):
    query = "&".join([f"dryRun={str(dry_run).lower()}", *([] if token is None else [f"clientToken={token}"])])
    headers = (("Host", "h"), ("Content-Type", "application/json"))
    return HttpRequest("POST", f"{CONTRACT.target_path(id_)}?{query}", headers, json.dumps(body).encode())


def said(plan):
    document = json.loads(plan.response.body)
    if plan.response.status != 200:
        return document["Code"]
    return tuple(check["validateType"] for check in document["Result"] if check["status"] == "failed")


TestService = ServiceMachine.TestCase
# some thousands of steps, within a few seconds, and the same ones each time
TestService.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, derandomize=True, database=None
)
