#include "lib/tls_memory.h"

#include "lib/clock.h"
#include "lib/owner.h"
#include "lib/tls_hello.h"
#include "lib/tls_parts.h"

#include <stdlib.h>

/* Keys are random, or digests, so their first bytes choose a set of places
 * well enough; within it the oldest makes room. */
enum { WAYS = 8, KEY = 32 };

struct session {
	uint8_t key[KEY];
	bool used;
	bool has_pin;
	int64_t until_ms;
	uint64_t touched;
	struct tls_pin own; /* server: whose session it is */
	struct tls_pin pin; /* server: the client's, if has_pin */
	br_ssl_session_parameters params;
};

struct tls_memory {
	size_t n_sets;
	int64_t life_ms;
	uint64_t clock;
	struct session all[];
};

struct tls_memory *
tls_memory_new(size_t max, unsigned life_s)
{
	size_t n_sets = max > 0 ? (max + WAYS - 1) / WAYS : 1;
	size_t size =
	    sizeof(struct tls_memory) + n_sets * WAYS * sizeof(struct session);
	struct tls_memory *m = tls_allocate(size);

	memset(m, 0, size);
	m->n_sets = n_sets;
	m->life_ms = (int64_t)life_s * 1000;
	return m;
}

void
tls_memory_close(struct tls_memory *m)
{
	if (!m)
		return;
	explicit_bzero(m->all, m->n_sets * WAYS * sizeof *m->all);
	free(m);
}

size_t
tls_memory_count(const struct tls_memory *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->n_sets * WAYS; i++)
		n += m->all[i].used;
	return n;
}

static struct session *
set_of(struct tls_memory *m, const uint8_t *key)
{
	uint32_t n;

	memcpy(&n, key, sizeof n);
	return m->all + n % m->n_sets * WAYS;
}

static void
forget(struct session *s)
{
	explicit_bzero(s, sizeof *s);
}

static struct session *
find(struct tls_memory *m, const uint8_t *key)
{
	struct session *s = set_of(m, key);
	size_t i;

	for (i = 0; i < WAYS; i++, s++) {
		if (!s->used || memcmp(s->key, key, KEY) != 0)
			continue;
		if (s->until_ms <= clock_ms()) {
			forget(s);
			return NULL;
		}
		s->touched = ++m->clock;
		return s;
	}
	return NULL;
}

/* The place for a new one: its own, a free one, or the oldest. */
static struct session *
place_for(struct tls_memory *m, const uint8_t *key)
{
	struct session *set = set_of(m, key), *best = set;
	size_t i;

	for (i = 0; i < WAYS; i++)
		if (set[i].used && memcmp(set[i].key, key, KEY) == 0)
			return &set[i];
	for (i = 0; i < WAYS; i++)
		if (!set[i].used ||
		    (best->used && set[i].touched < best->touched))
			best = &set[i];
	forget(best);
	return best;
}

/* Keep what the engine has agreed on; what was proved is the caller's. A
 * session does not live longer for having been taken up again. */
static struct session *
keep(struct tls *t, const uint8_t *key)
{
	struct tls_memory *m = t->recall.memory;
	struct session *s = place_for(m, key);

	if (!t->resumed || !s->used)
		s->until_ms = clock_ms() + m->life_ms;
	s->used = true;
	s->touched = ++m->clock;
	memcpy(s->key, key, KEY);
	br_ssl_engine_get_session_parameters(t->engine, &s->params);
	return s;
}

static void
offer(struct tls *t, const struct session *s)
{
	t->recall.offered = true;
	t->recall.id_len = s->params.session_id_len;
	memcpy(t->recall.id, s->params.session_id, sizeof t->recall.id);
}

/* Whoever does not take up what was offered makes a session with a new id
 * (or with none). */
static bool
is_taken_up(const struct tls *t)
{
	const struct tls_recall *r = &t->recall;
	const br_ssl_session_parameters *p = &t->engine->session;

	return r->offered && r->id_len > 0 && r->id_len == p->session_id_len &&
	       memcmp(r->id, p->session_id, r->id_len) == 0;
}

/* the server */

static struct tls *
tls_of_cache(const br_ssl_session_cache_class **ctx)
{
	return OWNER(OWNER(ctx, struct tls_recall, vtable), struct tls, recall);
}

/* Done when the handshake is over, see server_over. */
static void
save(const br_ssl_session_cache_class **ctx, br_ssl_server_context *sc,
     const br_ssl_session_parameters *params)
{
	(void)ctx;
	(void)sc;
	(void)params;
}

/* The engine is in the middle of the hello; what it has not read yet of the
 * record that it came in stands here. See tls_hello.h. */
static bool
protocols_fit(const br_ssl_engine_context *e)
{
	struct slice rest = slice_of((const char *)e->hbuf_in, e->hlen_in);

	return e->protocol_names_num == 0 ||
	       tls_hello_fits(rest, e->protocol_names, e->protocol_names_num);
}

static int
load(const br_ssl_session_cache_class **ctx, br_ssl_server_context *sc,
     br_ssl_session_parameters *params)
{
	struct tls *t = tls_of_cache(ctx);
	struct tls_recall *r = &t->recall;
	struct session *s = find(r->memory, params->session_id);

	(void)sc;
	if (!s || !tls_pin_eq(&s->own, &t->own->pin) ||
	    !protocols_fit(t->engine))
		return 0;
	*params = s->params;
	offer(t, s);
	r->has_pin = s->has_pin;
	r->pin = s->pin;
	return 1;
}

static void
server_over(struct tls *t)
{
	const struct tls_recall *r = &t->recall;
	struct session *s;

	if (!t->open)
		return;
	t->resumed = is_taken_up(t);
	if (t->resumed) {
		t->check->good = r->has_pin;
		t->check->pin = r->pin;
		return;
	}
	if (t->engine->session.session_id_len != KEY)
		return;
	s = keep(t, t->engine->session.session_id);
	s->own = t->own->pin;
	s->has_pin = t->check->good;
	s->pin = t->check->pin;
}

static const br_ssl_session_cache_class cache_class = {
    sizeof(struct tls_recall), save, load};

void
tls_server_resumes(struct stream *s, struct tls_memory *m)
{
	struct tls *t = s->state;

	t->recall = (struct tls_recall){
	    .vtable = &cache_class, .memory = m, .over = server_over};
	br_ssl_server_set_cache(t->side.server, &t->recall.vtable);
}

/* the client */

static void
digest_part(br_sha256_context *hash, const void *at, size_t n)
{
	uint64_t len = n;

	br_sha256_update(hash, &len, sizeof len);
	br_sha256_update(hash, at, n);
}

/* All by which the server is checked, and what it may know us by. */
static void
digest(const struct tls *t, struct slice place, uint8_t *key)
{
	const struct tls_pin *expected = t->check ? t->check->expected : NULL;
	const char *name = t->engine->server_name;
	br_sha256_context hash;

	br_sha256_init(&hash);
	digest_part(&hash, place.at, place.len);
	digest_part(&hash, expected ? expected->bytes : NULL,
		    expected ? TLS_PIN_BYTES : 0);
	digest_part(&hash, name, strlen(name));
	digest_part(&hash, &t->roots, sizeof t->roots);
	digest_part(&hash, t->own ? t->own->pin.bytes : NULL,
		    t->own ? TLS_PIN_BYTES : 0);
	br_sha256_out(&hash, key);
}

static void
client_over(struct tls *t)
{
	struct tls_recall *r = &t->recall;
	struct session *s = find(r->memory, r->key);

	if (!t->open) {
		if (s && r->offered)
			forget(s);
		return;
	}
	/* No certificate was looked at: the server has the secret that was
	 * agreed on with the one whose certificate was. */
	t->resumed = is_taken_up(t);
	if (t->resumed && t->check && t->check->n_certs == 0) {
		t->check->good = true;
		t->check->pin = *t->check->expected;
	}
	if (t->engine->session.session_id_len > 0)
		keep(t, r->key);
	else if (s)
		forget(s);
}

void
tls_client_resumes(struct stream *s, struct tls_memory *m, struct slice place)
{
	struct tls *t = s->state;
	struct tls_recall *r = &t->recall;
	struct session *found;

	*r = (struct tls_recall){.memory = m, .over = client_over};
	digest(t, place, r->key);
	found = find(m, r->key);
	if (!found)
		return;
	offer(t, found);
	br_ssl_engine_set_session_parameters(t->engine, &found->params);
	tls_client_again(t, true);
}
