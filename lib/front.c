#include "lib/front.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/linger.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "lib/proxy.h"
#include "lib/tls_memory.h"
#include "lib/trace.h"

#include <stdlib.h>

/* All at once: who finds the door full again just waits again. */
static void
room(struct door *d)
{
	struct front *f = OWNER(d, struct front, door);
	struct link *link;

	while ((link = list_first(&f->waiting)))
		front_go(OWNER(link, struct front_session, waiting));
}

void
front_init(struct front *f, struct loop *loop, const char *proto,
	   const char *door_path, const char *listen_name, size_t max_sessions,
	   void (*accepted)(struct server *, int, const struct endpoint *))
{
	*f = (struct front){.loop = loop, .proto = proto};
	list_init(&f->sessions);
	list_init(&f->waiting);
	door_init(&f->door, loop, door_path, room);
	server_init(&f->server, loop, listen_name, max_sessions, accepted);
	door_budget(&f->door, &f->server.budget);
}

static void
key_left(struct front_key *k)
{
	if (!k || --k->n_users > 0)
		return;
	tls_key_close(k->key);
	tls_memory_close(k->memory);
	free(k);
}

void
front_key_take(struct front *f, struct tls_key *key)
{
	key_left(f->key);
	f->key = calloc(1, sizeof *f->key);
	if (!f->key)
		die_nomem();
	f->key->key = key;
	f->key->memory = tls_memory_new(TLS_MEMORY_SERVER, TLS_MEMORY_S);
	f->key->n_users = 1;
}

void
front_free(struct front *f)
{
	key_left(f->key);
	f->key = NULL;
	buf_free(&f->gather);
	buf_free(&f->scratch);
	clients_free(&f->server.clients);
	clients_free(&f->server.networks);
}

void
front_stop(struct front *f)
{
	if (f->stopping)
		return;
	f->stopping = true;
	server_stop(&f->server);
}

bool
front_stopped(struct front *f)
{
	return (list_empty(&f->sessions) && linger_n() == 0) ||
	       f->stopping_s++ >= FRONT_STOP_S;
}

static void
name_client(struct front_session *s)
{
	struct buf *name = &s->front->scratch;

	buf_clear(name);
	if (s->peer.len)
		endpoint_host(&s->peer, name);
	else
		buf_text(name, "local");
	s->client_len =
	    (uint8_t)(name->len < FRONT_CLIENT_MAX ? name->len
						   : FRONT_CLIENT_MAX);
	memcpy(s->client, buf_slice(name).at, s->client_len);
}

static void
look_again(struct front_session *s)
{
	int64_t ms = pace_next_ms(&s->pace, clock_ms());

	if (tls_is_on(&s->conn.stream) && !tls_is_open(&s->conn.stream) &&
	    ms > TLS_HANDSHAKE_S * 1000)
		ms = TLS_HANDSHAKE_S * 1000;
	conn_timeout(&s->conn, ms);
}

/* Another client needs its place. */
static void
displaced(struct server_guest *g)
{
	conn_break(&OWNER(g, struct front_session, guest)->conn);
}

/* Who has a right keeps its place. */
static void
keep_place(struct front_session *s)
{
	if (s->relay || s->known)
		server_guest_drop(&s->guest);
	else
		server_guest_heard(&s->front->server, &s->guest);
}

static void
speak_tls(struct front_session *s)
{
	s->key = s->front->key;
	s->key->n_users++;
	tls_server(&s->conn.stream, s->key->key);
	tls_server_resumes(&s->conn.stream, s->key->memory);
}

void
front_start(struct front_session *s, struct front *f, int fd,
	    const struct endpoint *peer,
	    void (*on)(struct conn *, enum conn_event))
{
	s->front = f;
	s->number = ++f->n_begun;
	s->peer = *peer;
	s->balanced = f->server.balanced;
	pace_start(&s->pace, &f->server.limits, clock_ms());
	name_client(s);
	list_put(&f->sessions, &s->all);
	conn_open_take(&s->conn, f->loop, fd, on);
	s->conn.budget = &f->server.budget;
	s->conn.turn.first = s->relay;
	if (f->server.tls)
		speak_tls(s);
	s->guest = (struct server_guest){
	    .peer = &s->peer, .tls = f->server.tls, .leave = displaced};
	keep_place(s);
	look_again(s);
}

void
front_leave(struct front_session *s)
{
	conn_close(&s->conn);
	list_drop(&s->waiting);
	list_drop(&s->all);
	server_guest_drop(&s->guest);
	server_gone(&s->front->server, &s->peer, s->key != NULL);
	key_left(s->key);
}

void
front_alive(struct front_session *s, uint64_t n, bool inside)
{
	pace_input(&s->pace, n, inside, clock_ms());
	keep_place(s);
	look_again(s);
}

enum pace_state
front_late(struct front_session *s, bool waits)
{
	int64_t now_ms = clock_ms();
	enum pace_state state;

	if (waits)
		pace_wait(&s->pace, now_ms);
	state = pace_state(&s->pace, now_ms);
	if (state == PACE_FINE)
		look_again(s);
	return state;
}

static unsigned
add_work(struct front_work *w, const struct front *f, unsigned work)
{
	if (w->round != f->loop->n_rounds)
		*w = (struct front_work){.round = f->loop->n_rounds};
	return w->n += work;
}

bool
front_worked(struct front_session *s, unsigned work, bool more)
{
	unsigned n, most = FRONT_WORK_RIGHT;

	if (work == 0)
		return false;
	n = add_work(&s->work, s->front, work);
	if (!s->relay && !s->known)
		most =
		    add_work(&s->front->work, s->front, work) > FRONT_WORK_ROUND
			? FRONT_WORK_LEAST
			: FRONT_WORK;
	if (n < most)
		return false;
	if (more)
		conn_yield(&s->conn);
	return true;
}

void
front_wait(struct front_session *s)
{
	conn_pause(&s->conn);
	list_put(&s->front->waiting, &s->waiting);
}

void
front_go(struct front_session *s)
{
	if (list_has(&s->waiting))
		pace_wait(&s->pace, clock_ms());
	list_drop(&s->waiting);
	conn_resume(&s->conn);
}

bool
front_meet(struct front_session *s, bool *key_r, struct tls_pin *pin)
{
	if (s->met || !tls_is_open(&s->conn.stream))
		return false;
	s->met = true;
	*key_r = tls_peer(&s->conn.stream, pin);
	s->has_key = *key_r;
	if (s->has_key)
		s->pin = *pin;
	return true;
}

void
front_named(struct front_session *s, const struct tls_pin *pin,
	    struct slice name)
{
	s->known = true;
	server_guest_drop(&s->guest);
	s->pin = *pin;
	s->name_len =
	    (uint8_t)(name.len < FRONT_NAME_MAX ? name.len : FRONT_NAME_MAX);
	memcpy(s->name, name.at, s->name_len);
}

void
front_unnamed(struct front_session *s)
{
	s->known = false;
	s->name_len = 0;
}

const char *
front_mistaken(const struct front_session *s, struct slice in)
{
	if (tls_is_on(&s->conn.stream) || in.len == 0)
		return NULL;
	if (in.at[0] == 0x16)
		return "the client speaks TLS to a port of clear text";
	if (proxy_begins(in))
		return "a PROXY header came from a client that is no trusted "
		       "balancer; see proxy= in listen";
	return NULL;
}

bool
front_log_open(const struct front_session *s, const char *event,
	       const char *why, unsigned n)
{
	if (!s->relay && !s->known)
		return often_open(event, &s->peer, why, n);
	log_open(event);
	return true;
}

void
front_log_client(const struct front_session *s)
{
	log_bytes("client", front_client(s));
	if (s->name_len)
		log_bytes("name", front_name(s));
}

const char *
front_trouble(const struct front_session *s, enum conn_event event)
{
	if (event == CONN_BROKEN)
		return stream_why(&s->conn.stream);
	if (event == CONN_TIMEOUT && tls_is_on(&s->conn.stream) &&
	    !tls_is_open(&s->conn.stream))
		return "the TLS handshake took too long";
	return NULL;
}

/* What the trace line says behind "with". */
static const char *
protocol(const struct front_session *s)
{
	return tls_is_on(&s->conn.stream) ? s->front->proto_tls
					  : s->front->proto;
}

static void
trace(struct front_session *s, struct slice me, uint64_t id)
{
	struct front *f = s->front;

	buf_clear(&f->scratch);
	buf_text(&f->scratch, protocol(s));
	if (s->name_len)
		buf_text(&f->scratch, " (known by its key)");
	buf_putc(&f->scratch, 0);
	trace_received(&f->gather, front_name(s), &s->peer, me,
		       buf_slice(&f->scratch).at, id, clock_s());
}

enum front_begun
front_begin(struct front_session *s, struct door_message *m, struct slice me,
	    void (*answered)(struct door_message *, const struct verdict *))
{
	struct front *f = s->front;
	size_t before;

	if (!f->door.is_open)
		return FRONT_AWAY;
	if (door_begin(&f->door, m, answered) != 0)
		return FRONT_WAIT;
	door_attr(m, "proto", slice_text(protocol(s)));
	door_attr(m, "client", front_client(s));
	if (s->relay)
		door_attr(m, "relay", SLICE("1"));
	before = f->gather.len;
	trace(s, me, m->id);
	if (s->has_key)
		door_pin(m, &s->pin);
	if (!s->repeats)
		door_origin(m, f->gather.len - before, s->number);
	return FRONT_BEGUN;
}

void
front_text(struct front *f, struct door_message *m, struct slice text)
{
	if (f->gather.len == 0 && text.len >= FRONT_GATHER) {
		door_text(m, text);
		return;
	}
	buf_puts(&f->gather, text);
	if (f->gather.len >= FRONT_GATHER)
		front_flush(f, m);
}

void
front_flush(struct front *f, struct door_message *m)
{
	door_text(m, buf_slice(&f->gather));
	buf_clear(&f->gather);
}
