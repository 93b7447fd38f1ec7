/* tls_parts.h - what the files lib/tls*.c share; for nobody else
 *
 * BearSSL is seen by these files only.
 */
#ifndef QUAIL_LIB_TLS_PARTS_H
#define QUAIL_LIB_TLS_PARTS_H

#include "lib/tls.h"

#include <bearssl.h>

enum {
	TLS_CHAIN_MAX = 8,	/* certificates of our own */
	TLS_CHAIN_PEER_MAX = 6, /* and of a server, up to its authority */
	TLS_RSA_MIN = 256,	/* bytes of the modulus */
	TLS_KEY_DER_MAX = 3000, /* above, 0.6 writes behind its buffer */
	TLS_DECODER_SLACK = 64, /* and here is where it would write */
	TLS_CALL_BYTES =
	    64 * 1024,	       /* what one call receives at the most, ... */
	TLS_CALL_RECORDS = 64, /* ... */
	TLS_STEP_US = 500,     /* ... and how long a handshake goes on in it */
	TLS_IDLE_RECORDS = 32, /* without content, one behind the other */
	TLS_HANDSHAKE_BYTES = 64 * 1024, /* with all certificates */
	TLS_SPKI_MAX = 700		 /* an RSA key of 4096 bits needs 550 */
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

struct tls_root {
	br_x509_trust_anchor anchor;
	int64_t from_s, until_s; /* its own dates */
};

/* Those that are valid between two moments. */
struct tls_anchors {
	struct tls_anchors *older; /* a stream may use them still */
	int64_t from_s, until_s;
	uint64_t serial; /* in this process no others ever have the same */
	size_t n;
	br_x509_trust_anchor all[];
};

struct tls_roots {
	struct tls_root *all;
	size_t n, max;
	struct tls_anchors *now;
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

/* The validator for servers that are known by name. */
struct tls_verify {
	const br_x509_class *vtable; /* first, as in tls_check */
	br_x509_minimal_context minimal;
	struct buf cert; /* the one that comes just now */
	unsigned n_certs;
	unsigned fault; /* what was wrong, of BearSSL's errors; 0: nothing */
	bool nameless;	/* it was that there are no names in it */
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

/* The peer's records as they come, and how much more of them this call of
 * the stream may fetch. What is left is the next call's. */
struct tls_intake {
	uint8_t head[5];
	size_t n_head,
	    left;	/* of the record: head that is there, rest to come */
	uint64_t bytes; /* so far */
	unsigned idle;	/* records in a row that say nothing */
	unsigned call_records;
	size_t call_bytes;
	int64_t call_until_us; /* of a handshake */
};

/* A stream's state. */
struct tls {
	br_ssl_engine_context *engine; /* in one of these two */
	union {
		br_ssl_client_context *client;
		br_ssl_server_context *server;
	} side;
	struct tls_check *check;   /* by pin; NULL: by name */
	struct tls_verify *verify; /* by name; NULL: by pin */
	const struct tls_key *own; /* NULL: none */
	uint64_t roots;		   /* their serial; 0: by pin */
	struct tls_recall recall;
	struct tls_intake intake;
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

/* tls_handshake_over - it is, well or not: tell who wants to know */
void
tls_handshake_over(struct tls *t, bool good);

/* tls_failed, tls_failed_text - the stream is over, and all calls from here on
 * say so
 *
 * Takes    why, appended to t->why; error is EPROTO then.
 * Returns  -1 with errno.
 */
int
tls_failed(struct tls *t, int error);

int
tls_failed_text(struct tls *t, const char *why);

/* tls_ended - the same: the peer has said that this is the end */
int
tls_ended(struct tls *t);

/* tls_closed - the same: the engine is closed, and knows why */
int
tls_closed(struct stream *s);

/* tls_cut - the same: the peer has closed the socket without a word */
int
tls_cut(struct tls *t);

/* tls_intake_call - a call of the stream begins: give it its share */
void
tls_intake_call(struct tls *t);

/* tls_intake_spent - has it had that? */
bool
tls_intake_spent(const struct tls *t);

/* tls_intake_push - these bytes have come
 *
 * Needs    them to be of one record, as the engine asks for them.
 * Returns  NULL, or why the peer must go: it keeps us busy with nothing.
 */
const char *
tls_intake_push(struct tls *t, const uint8_t *at, size_t n);

/* tls_intake_content - the peer has said something */
static inline void
tls_intake_content(struct tls *t)
{
	t->intake.idle = 0;
}

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

/* tls_price_engine - no dearer curves and keys in a handshake than these:
 * X25519 and P-256 for the exchange, P-256, P-384 and RSA for signatures
 *
 * Differs  a client does the exchange with P-384 too: in TLS 1.2 it cannot
 *          offer that for certificates only.
 */
void
tls_price_engine(br_ssl_engine_context *e, bool is_server);

/* tls_price_chain - the same for certificates that are checked */
void
tls_price_chain(br_x509_minimal_context *x);

/* tls_price_fair - may a peer have such a key? */
bool
tls_price_fair(const br_x509_pkey *key);

/* tls_verify_begin - check the server with v from here on
 *
 * Needs    v->minimal as br_ssl_client_init_full leaves it.
 */
void
tls_verify_begin(struct tls_verify *v, br_ssl_engine_context *e);

void
tls_verify_free(struct tls_verify *v);

/* tls_roots_now - those that are valid now
 *
 * Keeps    them until tls_roots_close.
 */
const struct tls_anchors *
tls_roots_now(struct tls_roots *r);

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
