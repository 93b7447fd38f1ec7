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
	uint64_t serial; /* in this process no other ever has the same */
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

struct tls;
struct tls_memory;

/* What a stream has to do with a memory (tls_memory.h); zero without one. */
struct tls_recall {
	const br_ssl_session_cache_class *vtable; /* first, as in tls_check */
	struct tls_memory *memory;
	uint8_t key[32]; /* client: where sessions with this peer are */
	bool offered;	 /* one was found, and may be taken up again */
	uint8_t id[32];	 /* its id */
	size_t id_len;
	bool has_pin; /* server: the client had proved this key */
	struct tls_pin pin;
	/* the handshake is over, well or not */
	void (*over)(struct tls *t);
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
	const struct tls_key *own;	 /* NULL: none */
	uint64_t roots;			 /* their serial; 0: by pin */
	struct tls_recall recall;
	uint8_t *in, *out;
	bool is_server;
	bool resumed;
	bool open;  /* the handshake is over */
	bool ended; /* the peer has said that this is the end */
	int error;  /* errno of what ended it; 0: nothing has */
	int first;  /* the first byte that the peer sent; -1: none yet */
	struct buf why;
};

extern const struct stream_kind tls_kind;

/* tls_allocate - as malloc, but it does not fail */
void *
tls_allocate(size_t n);

/* tls_begin - make a stream's state, without an engine yet
 *
 * Takes    out_size: bytes of its buffer for what goes out.
 */
struct tls *
tls_begin(struct stream *s, size_t out_size);

/* tls_settle - tell its engine what both sides have in common
 *
 * Needs    t->engine and t->check.
 */
void
tls_settle(struct tls *t, size_t out_size);

/* tls_client_again - say hello anew, since more is to be offered
 *
 * Needs    a client of which nothing was sent yet.
 * Takes    resume: offer the session that the engine has got.
 */
void
tls_client_again(struct tls *t, bool resume);

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
