"""Certificates for servers on this machine: an authority whose key is thrown away, and keys that it signed."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def authority(folder: Path, *names: str, valid: timedelta = timedelta(hours=1)) -> None:
    """Write ca.pem, and for each name <name>.pem and <name>.key, signed by it and good for 127.0.0.1; keys are 0600."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("tickloom")
    ca = _certificate(issuer, issuer, key.public_key(), valid).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), True
    )
    _write(folder / "ca.pem", ca.sign(key, hashes.SHA256()))
    local = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    for name in names:
        own = ec.generate_private_key(ec.SECP256R1())
        signed = _certificate(_name(name), issuer, own.public_key(), valid).add_extension(local, False)
        _write(folder / f"{name}.pem", signed.sign(key, hashes.SHA256()))
        plain = serialization.NoEncryption()
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        private = folder / f"{name}.key"
        private.touch(0o600)
        private.write_bytes(own.private_bytes(pem, pkcs8, plain))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + valid)


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
