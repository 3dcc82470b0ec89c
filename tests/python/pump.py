#!/usr/bin/env python3
"""A pump, written from docs/pump-contract.md and nothing else.

It enrols (section 4), renews if asked to (section 5), connects (section 6), publishes its presence, an inventory
report and telemetry (section 7), keeps reports until they are named (section 8), and waits for one order, which it
carries out. Its last line on stdout is one JSON object of what happened; what it does meanwhile goes to stderr.

    pump.py --est https://gw.example:8444 --mqtt gw.example:8883 --root root.pem \
            --serial VL-204417 --token TOKEN --protocol 5 --dir /var/lib/pump

Exit codes: 0 all of it worked, 1 something was refused or did not come in time, 2 wrong usage.
"""

import argparse
import json
import ssl
import sys
import threading
import time
import uuid
from datetime import datetime, timezone
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from est import EstClient, Identity, Refused

KEEPALIVE_S = 30
IN_FLIGHT = 16
ORDERS_REMEMBERED = 64
SAMPLES = 3


def log(text):
    print(f"pump: {text}", file=sys.stderr, flush=True)


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ReportQueue:
    """Reports that the gateway did not name yet, on disk before they are first sent (section 8)."""

    def __init__(self, path: Path):
        self.path = path
        kept = json.loads(path.read_text()) if path.exists() else {"next_seq": 1, "waiting": []}
        self.next_seq, self.waiting = kept["next_seq"], kept["waiting"]

    def add(self, body: dict) -> dict:
        report = {"v": 1, "id": str(uuid.uuid4()), "seq": self.next_seq, "at": now(), "body": body}
        self.next_seq += 1
        self.waiting.append(report)
        self._keep()
        return report

    def forget(self, named: set) -> list:
        gone = [report for report in self.waiting if report["id"] in named]
        self.waiting = [report for report in self.waiting if report["id"] not in named]
        self._keep()
        return gone

    def _keep(self):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"next_seq": self.next_seq, "waiting": self.waiting}))
        fresh.replace(self.path)


class Pump:
    """One MQTT session. paho runs the callbacks on its own thread; `changed` wakes the one that waits."""

    def __init__(self, identity: Identity, serial: str, protocol: str, directory: Path):
        self.id = identity.pump_id
        self.serial = serial
        self.v5 = protocol == "5"
        self.reports = ReportQueue(directory / "reports.json")
        self.changed = threading.Condition()
        self.problem = None
        self.connected = False
        self.subscribed = False
        self.pubacks = set()
        self.telemetry = set()
        self.stored = {}
        self.refused = {}
        self.orders = {}
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.id,
            protocol=mqtt.MQTTv5 if self.v5 else mqtt.MQTTv311,
            # A session of MQTT 5 is made clean at CONNECT instead.
            clean_session=None if self.v5 else True,
        )
        self.client.max_inflight_messages_set(IN_FLIGHT)
        tls = ssl.create_default_context(cafile=str(identity.trusted))
        tls.load_cert_chain(identity.certificate, identity.key)
        self.client.tls_set_context(tls)
        self.client.will_set(self.topic("up/presence"), json.dumps({"v": 1, "state": "offline"}), qos=1, retain=True)
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = self.on_subscribe
        self.client.on_publish = self.on_publish
        self.client.on_message = self.on_message
        self.client.on_disconnect = self.on_disconnect

    def topic(self, channel: str) -> str:
        return f"pumps/{self.id}/{channel}"

    def run(self, host: str, port: int, deadline: float) -> bool:
        clean = {"clean_start": True} if self.v5 else {}
        self.client.connect(host, port, keepalive=KEEPALIVE_S, **clean)
        self.client.loop_start()
        try:
            self.wait("SUBACK", lambda: self.subscribed, deadline)
            self.publish("up/presence", {"v": 1, "state": "online", "at": now()}, retain=True)
            # What an earlier run could not deliver comes first.
            for report in self.reports.waiting:
                self.publish("up/report", report)
            inventory = self.report(self.inventory())
            for sample in range(SAMPLES):
                self.telemetry.add(self.publish("up/telemetry", self.sample(sample)).mid)
            self.wait("a PUBACK for each sample", lambda: self.telemetry <= self.pubacks, deadline)
            self.wait("down/ack of the inventory", lambda: inventory["id"] in self.stored, deadline)
            self.wait("an order", lambda: self.orders, deadline)
            self.wait("down/ack of every report", lambda: not self.reports.waiting, deadline)
            self.publish("up/presence", {"v": 1, "state": "offline", "at": now()}, retain=True).wait_for_publish(5)
            return not self.refused
        except TimeoutError as error:
            self.problem = self.problem or str(error)
            return False
        finally:
            self.client.disconnect()
            self.client.loop_stop()

    def wait(self, what: str, holds, deadline: float):
        with self.changed:
            came = self.changed.wait_for(lambda: self.problem or holds(), max(0.0, deadline - time.monotonic()))
        if self.problem or not came:
            raise TimeoutError(f"{what} did not come: {self.problem or 'the time is over'}")
        log(f"{what}: there")

    def publish(self, channel: str, message: dict, retain: bool = False):
        return self.client.publish(self.topic(channel), json.dumps(message), qos=1, retain=retain)

    def report(self, body: dict) -> dict:
        with self.changed:
            report = self.reports.add(body)
        # Not under the lock: paho holds one of its own while it calls back.
        self.publish("up/report", report)
        return report

    def inventory(self) -> dict:
        return {
            "kind": "inventory",
            "serial": self.serial,
            "manufacturer": "Example Medical",
            "model": "Volumax 3",
            "hardware_id": "VM3-C",
            "components": [{"name": "main", "version": "4.2.1"}, {"name": "wireless", "version": "1.9.0"}],
            "macs": ["00:1a:2b:3c:4d:5e"],
            "modules": [{"name": "wireless", "serial": "W-88213"}],
            "software": {"active": "a", "trial": False},
        }

    @staticmethod
    def sample(number: int) -> dict:
        return {
            "v": 1,
            "at": now(),
            "activity": "infusing",
            "patient_attached": True,
            "rate_ml_h": 125,
            "infused_ml": 300 + number,
            "battery_percent": 96.5,
            "on_mains": True,
            "signal_dbm": -61,
            "place": "AP-4W-12",
        }

    def obey(self, order: dict):
        """Carries an order out once; one that comes again gets the answer it already had."""
        body = order["body"]
        known = self.orders.get(order["id"])
        if known is None:
            if body["kind"] == "report_inventory":
                self.report(self.inventory())
                known = {"outcome": "done"}
            else:
                known = {"outcome": "refused", "reason": f"this pump does not know {body['kind']}"}
            self.orders[order["id"]] = known
            while len(self.orders) > ORDERS_REMEMBERED:
                del self.orders[next(iter(self.orders))]
        self.report({"kind": "order_result", "order": order["id"], **known})

    # --- what paho calls ---

    def on_connect(self, client, _userdata, _flags, reason, _properties):
        with self.changed:
            if reason.is_failure:
                self.problem = f"CONNACK: {reason}"
            else:
                self.connected = True
                client.subscribe([(self.topic("down/order"), 1), (self.topic("down/ack"), 1)])
            self.changed.notify_all()

    def on_subscribe(self, _client, _userdata, _mid, reasons, _properties):
        with self.changed:
            if any(reason.is_failure for reason in reasons):
                self.problem = f"SUBACK: {', '.join(map(str, reasons))}"
            self.subscribed = True
            self.changed.notify_all()

    def on_publish(self, _client, _userdata, mid, reason, _properties):
        with self.changed:
            if reason.is_failure:
                self.problem = f"PUBACK: {reason}"
            self.pubacks.add(mid)
            self.changed.notify_all()

    def on_message(self, _client, _userdata, message):
        # paho sends the PUBACK when this returns: by then the answer is on disk.
        content = json.loads(message.payload)
        with self.changed:
            if message.topic == self.topic("down/ack"):
                named = dict.fromkeys(content["stored"])
                refused = {entry["id"]: entry["reason"] for entry in content.get("refused", [])}
                for report in self.reports.forget(named.keys() | refused.keys()):
                    (self.refused if report["id"] in refused else self.stored)[report["id"]] = report["body"]["kind"]
                for reason in refused.values():
                    log(f"a report was refused: {reason}")
            elif message.topic == self.topic("down/order"):
                log(f"order {content['body']['kind']}")
                self.obey(content)
            self.changed.notify_all()

    def on_disconnect(self, _client, _userdata, _flags, reason, _properties):
        with self.changed:
            if reason.is_failure:
                self.problem = self.problem or f"disconnected: {reason}"
            self.changed.notify_all()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--est", required=True, help="https://host:port of the bulk listener")
    parser.add_argument("--mqtt", required=True, help="host:port of the pump endpoint")
    parser.add_argument("--root", required=True, type=Path, help="the pinned root certificate, PEM")
    parser.add_argument("--serial", required=True)
    parser.add_argument("--token", help="one-time enrolment token; needed until there is a certificate")
    parser.add_argument("--protocol", choices=["311", "5"], default="5")
    parser.add_argument("--dir", required=True, type=Path, help="where keys, certificates and reports are kept")
    parser.add_argument("--renew", action="store_true", help="renew the certificate before connecting")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds until it gives up")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    deadline = time.monotonic() + options.timeout
    options.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    happened = {"serial": options.serial, "protocol": options.protocol, "ok": False}
    try:
        est = EstClient(options.est, options.root, options.dir, deadline)
        identity = est.enrol(options.serial, options.token)
        log(f"enrolled as {identity.pump_id}")
        if options.renew:
            identity = est.renew(identity)
            log("renewed")
        happened |= {"pump": identity.pump_id, "renewed": options.renew}
        endpoint = urlsplit(f"mqtts://{options.mqtt}")
        pump = Pump(identity, options.serial, options.protocol, options.dir)
        happened["ok"] = pump.run(endpoint.hostname, endpoint.port, deadline)
        if options.renew and pump.connected:
            est.adopt(identity)
        happened |= {
            "connected": pump.connected,
            "telemetry_acknowledged": len(pump.telemetry & pump.pubacks),
            "reports_stored": sorted(pump.stored.values()),
            "reports_refused": sorted(pump.refused.values()),
            "reports_waiting": len(pump.reports.waiting),
            "orders": {order: answer["outcome"] for order, answer in pump.orders.items()},
            "problem": pump.problem,
        }
    except (Refused, OSError, HTTPException) as error:
        happened["problem"] = str(error)
    print(json.dumps(happened), flush=True)
    return 0 if happened["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
