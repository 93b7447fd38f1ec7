#include "cdb/service.h"

#include "lib/die.h"
#include "lib/log.h"
#include "lib/often.h"

enum { TIDY_FROM = 4 << 20 };

_Static_assert(sizeof SERVICE_BUSY - 1 == 41, "its netstring's length");

static size_t
client_max(struct server *server, const struct endpoint *peer)
{
	const struct service *s = server->owner;
	struct config_client line;

	config_client(s->config, peer, NULL, &line);
	if (line.connections > 0)
		return line.connections;
	return line.rights & CONFIG_RELAY ? SIZE_MAX
					  : server->limits.connections_client;
}

static bool
has_right(struct server *server, const struct endpoint *peer)
{
	const struct service *s = server->owner;

	return config_access(s->config, peer) & CONFIG_RELAY;
}

static void
refused(struct server *server, const struct endpoint *peer, const char *why)
{
	struct buf host = {0};

	(void)server;
	if (!often_open("refused", peer, why, OFTEN_FIRST))
		return;
	endpoint_host(peer, &host);
	log_bytes("client", buf_slice(&host));
	log_text("why", why);
	log_close();
	buf_free(&host);
}

/* The limits, and whom each socket trusts. */
static void
follow(struct service *s)
{
	struct server_trust trust;
	struct limits limits;
	unsigned i;

	config_limits(s->config, &limits);
	server_limit(s->server, &limits);
	for (i = 0; i < s->n_plain; i++) {
		config_listen_trust(s->config, s->plain, i, &trust);
		server_trust(s->server, i, &trust);
	}
	for (i = 0; i < s->n_tls; i++) {
		config_listen_trust(s->config, s->tls, i, &trust);
		server_trust(s->server, s->n_plain + i, &trust);
	}
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Have the key's files changed since they were last looked at? */
static bool
changed(struct service *s)
{
	static const char *const names[] = {TLS_CERT_FILE, TLS_KEY_FILE};
	bool same = true;
	size_t i;

	for (i = 0; i < 2; i++) {
		struct stat now;

		if (stat(names[i], &now) != 0)
			memset(&now, 0, sizeof now);
		same = same && same_file(&now, &s->key_files[i]);
		s->key_files[i] = now;
	}
	return !same;
}

/* A key that cannot be read now leaves the one that there is in use. */
static int
read_key(struct service *s, struct buf *why)
{
	struct tls_key *key = tls_key_open(TLS_CERT_FILE, TLS_KEY_FILE, why);
	struct buf text = {0};
	struct tls_pin pin;

	if (!key)
		return -1;
	tls_key_own_pin(key, &pin);
	tls_pin_put(&text, &pin);
	log_open("key");
	log_bytes("pin", buf_slice(&text));
	log_close();
	buf_free(&text);
	front_key_take(s->front, key);
	return 0;
}

static void
reread_key(struct service *s)
{
	struct buf why = {0};

	if (s->n_tls == 0 || !changed(s) || read_key(s, &why) == 0)
		return;
	memset(s->key_files, 0, sizeof s->key_files); /* look at it again */
	log_open("key");
	log_bytes("bad", buf_slice(&why));
	log_text("hint", "the one that was read before stays in use");
	log_close();
	buf_free(&why);
}

static void
listen_tls(struct service *s)
{
	struct slice address;
	struct buf why = {0};

	while (s->tls &&
	       config_listen(s->config, s->tls, (unsigned)s->n_tls, &address))
		server_listen_tls(s->server, s->tls, address,
				  (unsigned)s->n_tls++);
	changed(s);
	if (s->n_tls > 0 && read_key(s, &why) != 0) {
		buf_putc(&why, 0);
		die_config("no key for TLS", why.mem);
	}
}

/* Its clients would wait for ever. */
static void
check_handed(const char *protocol, size_t n)
{
	if (protocol && inherited_socket(protocol, (unsigned)n) >= 0)
		die_config("our starter handed over more sockets of this "
			   "protocol than the table listen has; stop its "
			   "socket unit, or add the line",
			   protocol);
}

void
service_start(struct service *s, struct slice refusal)
{
	struct slice address;

	s->server->owner = s;
	s->server->refusal = refusal;
	s->server->client_max = client_max;
	s->server->has_right = has_right;
	s->server->refused = refused;
	while (
	    config_listen(s->config, s->plain, (unsigned)s->n_plain, &address))
		server_listen(s->server, address, (unsigned)s->n_plain++);
	listen_tls(s);
	check_handed(s->plain, s->n_plain);
	check_handed(s->tls, s->n_tls);
	if (s->n_plain + s->n_tls == 0)
		die_config("nothing to listen on; add a line to the table "
			   "listen, with this protocol and ADDRESS:PORT",
			   s->plain);
	follow(s);
}

/* Buffers of many sizes leave a heap that malloc does not give back by itself:
 * 50 MiB after a thousand messages of 1 MiB. With mmap for each, which it would
 * give back, qmtpd took twice the time for the same messages. */
static void
tidy(struct service *s)
{
	struct budget *b = &s->server->budget;

	if (b->most >= TIDY_FROM && b->used <= b->most / 2) {
		tidy_now();
		b->most = b->used;
	} else {
		tidy_look(&s->tidy, b->n_moves);
	}
}

void
service_refresh(struct service *s, bool again)
{
	struct buf why = {0};
	int news = config_refresh(s->config, &why);

	if (news != 0) {
		log_open("config");
		if (news > 0)
			log_text("what", "a new one is in use");
		else
			log_bytes("bad", buf_slice(&why));
		log_close();
	}
	often_look();
	tidy(s);
	if (news > 0)
		follow(s);
	if (news > 0 || again)
		reread_key(s);
	buf_free(&why);
}
