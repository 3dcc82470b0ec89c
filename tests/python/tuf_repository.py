"""Makes a TUF repository with python-tuf, as a manufacturer with other tools than ours would.

    tuf_repository.py <directory> <kind of key> <consistent: yes or no> <manifest> <path of the manifest> {<path>=<file>}

Root 2 of 3, then a second root that takes the place of the first; targets 2 of 2; fields that only this manufacturer knows.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile, Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

MAKERS = {
    "ed25519": CryptoSigner.generate_ed25519,
    "ecdsa": CryptoSigner.generate_ecdsa,
    "rsa": CryptoSigner.generate_rsa,
}


def main() -> None:
    directory, kind, consistent, manifest, manifest_path, *files = sys.argv[1:]
    directory, consistent = Path(directory), consistent == "yes"
    (directory / "metadata").mkdir(parents=True)
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    signers = {role: [MAKERS[kind]() for _ in range(count)] for role, count in
               {"root": 3, "targets": 2, "snapshot": 1, "timestamp": 1}.items()}

    def save(role: str, signed, name: str, keys) -> bytes:
        metadata = Metadata(signed)
        for index, signer in enumerate(keys):
            metadata.sign(signer, append=index > 0)
        data = metadata.to_bytes(JSONSerializer(compact=kind != "rsa"))
        prefix = f"{signed.version}." if role == "root" or (consistent and role != "timestamp") else ""
        (directory / "metadata" / f"{prefix}{name}.json").write_bytes(data)
        return data

    root = Root(expires=expires, consistent_snapshot=consistent)
    root.unrecognized_fields["x-acme-line"] = "ü7"
    for role, keys in signers.items():
        for signer in keys:
            root.add_key(signer.public_key, role)
    root.roles["root"].threshold = 2
    root.roles["targets"].threshold = 2
    save("root", root, "root", signers["root"][:2])
    root.version = 2
    save("root", root, "root", signers["root"][1:])

    targets = Targets(version=7, expires=expires)
    for path, file in [(manifest_path, manifest), *(pair.split("=", 1) for pair in files)]:
        data = Path(file).read_bytes()
        target = TargetFile.from_data(path, data, ["sha256", "sha512"])
        target.unrecognized_fields["custom"] = {"serials": [1, 138852], "sterile": True, "note": None}
        targets.targets[path] = target
        folder, _, name = path.rpartition("/")
        file = directory / "targets" / folder / (f"{target.hashes['sha256']}.{name}" if consistent else name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    data = save("targets", targets, "targets", signers["targets"])

    snapshot = Snapshot(version=3, expires=expires)
    snapshot.meta["targets.json"] = MetaFile.from_data(7, data, ["sha256"])
    data = save("snapshot", snapshot, "snapshot", signers["snapshot"])
    timestamp = Timestamp(version=5, expires=expires, snapshot_meta=MetaFile.from_data(3, data, ["sha256"]))
    save("timestamp", timestamp, "timestamp", signers["timestamp"])


if __name__ == "__main__":
    main()
