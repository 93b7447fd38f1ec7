/* tls_key.h - key pairs, certificates and roots for lib/tls.h
 *
 * A certificate of ours is only the carrier of a public key: between our
 * own nodes trust is the pin of that key (tls_pin.h), and nobody looks at
 * names or dates. Roots are for servers that are not ours.
 *
 * Files are PEM. Keys: EC (P-256, P-384) and RSA (2048 to 4096 bits), as PKCS#8
 * or raw, not encrypted. P-521 is not taken, from peers neither: its price is
 * six times that of P-256.
 *
 * Test  tests/tls_test.c
 */
#ifndef QUAIL_LIB_TLS_KEY_H
#define QUAIL_LIB_TLS_KEY_H

#include "lib/tls_pin.h"

/* Where a node keeps its own, under its directory, and where the system
 * keeps its roots. */
#define TLS_CERT_FILE	 "tls/cert.pem"
#define TLS_KEY_FILE	 "tls/key.pem"
#define TLS_SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

struct tls_key;
struct tls_roots;

/* tls_key_open - read a certificate (and those of its issuers behind it) and
 * the private key that belongs to it
 *
 * Returns  the key; NULL with a one-line reason appended to *why: a file
 *          cannot be read, is no PEM, is not of a kind we can use, the key
 *          may be read by others, the two do not belong together.
 * Owns     tls_key_close frees it, when no stream uses it any more.
 */
struct tls_key *
tls_key_open(const char *cert_file, const char *key_file, struct buf *why);

void
tls_key_close(struct tls_key *key);

/* tls_key_own_pin - the pin by which others know this key */
void
tls_key_own_pin(const struct tls_key *key, struct tls_pin *pin);

/* tls_key_file_pin - the pin of a certificate, or of a private EC key
 *
 * Returns  0; -1 with a one-line reason appended to *why.
 */
int
tls_key_file_pin(const char *file, struct tls_pin *pin, struct buf *why);

/* tls_key_make - a new P-256 key pair and a certificate signed with itself
 *
 * Takes    name, what the certificate calls its owner: 1 to 64 letters,
 *          digits, dots and dashes.
 * Returns  both as PEM, appended, and the pin. The certificate is valid at
 *          any time: a leaf may have no clock, and a pin does not age.
 */
void
tls_key_make(const char *name, struct buf *cert_pem, struct buf *key_pem,
	     struct tls_pin *pin);

/* tls_roots_open - read the certificates of authorities
 *
 * Returns  the roots; NULL with a one-line reason appended to *why, also
 *          when there is none in the file. Those of a kind we cannot use
 *          are left out.
 * Owns     tls_roots_close frees them.
 */
struct tls_roots *
tls_roots_open(const char *file, struct buf *why);

void
tls_roots_close(struct tls_roots *roots);

#endif
