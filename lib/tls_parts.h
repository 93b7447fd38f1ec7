/* tls_parts.h - what the files lib/tls*.c share; for nobody else
 *
 * BearSSL is seen by these files only.
 */
#ifndef QUAIL_LIB_TLS_PARTS_H
#define QUAIL_LIB_TLS_PARTS_H

#include "lib/tls.h"

#include <bearssl.h>

enum {
	TLS_CHAIN_MAX = 8,
	TLS_RSA_MIN = 256,	/* bytes of the modulus */
	TLS_KEY_DER_MAX = 3000, /* above, 0.6 writes behind its buffer */
	TLS_DECODER_SLACK = 64, /* and here is where it would write */
	TLS_SPKI_MAX = 700	/* an RSA key of 4096 bits needs 550 */
};

struct tls_key {
	br_x509_certificate chain[TLS_CHAIN_MAX];
	size_t n_chain;
	int type; /* BR_KEYTYPE_EC or _RSA */
	const br_ec_private_key *ec;
	const br_rsa_private_key *rsa;
	struct tls_pin pin;
	union {
		br_skey_decoder_context decoder; /* holds the key */
		uint8_t
		    room[sizeof(br_skey_decoder_context) + TLS_DECODER_SLACK];
	} private;
};

struct tls_roots {
	br_x509_trust_anchor *all;
	size_t n, max;
};

/* Takes the place of a validator: the first certificate's key is what
 * counts, and all that is done with it is comparing its pin. */
struct tls_check {
	const br_x509_class *vtable; /* first: BearSSL casts to it */
	br_x509_decoder_context decoder;
	unsigned n_certs;
	const struct tls_pin *expected; /* NULL: any */
	struct tls_pin pin;
	bool good;	/* end_chain has found nothing wrong */
	bool different; /* it is not the expected one */
};

/* A stream's state. */
struct tls {
	br_ssl_engine_context *engine; /* in one of these two */
	union {
		br_ssl_client_context *client;
		br_ssl_server_context *server;
	} side;
	struct tls_check *check;	 /* by pin; NULL: by name */
	br_x509_minimal_context *verify; /* by name; NULL: by pin */
	uint8_t *in, *out;
	bool is_server;
	bool open;  /* the handshake is over */
	bool ended; /* the peer has said that this is the end */
	int error;  /* errno of what ended it; 0: nothing has */
	int first;  /* the first byte that the peer sent; -1: none yet */
	struct buf why;
};

extern const struct stream_kind tls_kind;

void
tls_check_init(struct tls_check *c, const struct tls_pin *expected);

/* tls_pkey_pin - the pin of a decoded key; -1: a kind that we do not know */
int
tls_pkey_pin(const br_x509_pkey *key, struct tls_pin *pin);

/* tls_spki - write a key's SubjectPublicKeyInfo; its length, 0: unknown
 *
 * Takes    out, of TLS_SPKI_MAX bytes.
 */
size_t
tls_spki(const br_x509_pkey *key, uint8_t *out);

/* tls_random - fill with random bytes, or die */
void
tls_random(void *to, size_t n);

/* tls_text_put - append one line for an error of BearSSL's */
void
tls_text_put(struct buf *out, int error);

#endif
