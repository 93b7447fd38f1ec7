/* dest_find.c - which destination is it? */
#include "lib/die.h"
#include "lib/owner.h"
#include "smtp-gateway/dest_parts.h"

#include <stdlib.h>

struct place {
	bool is_mx;
	uint16_t port;
	size_t source_at, helo_at, name_at; /* in the key */
};

static struct dest *
make_take(struct out *out, struct buf *key, const struct place *at,
	  uint64_t hash)
{
	struct slice k = buf_slice(key);
	struct dest *d = calloc(1, sizeof *d);

	if (!d)
		die_nomem();
	d->out = out;
	d->key = *key;
	d->is_mx = at->is_mx;
	d->port = at->port;
	d->name = slice_from(k, at->name_at);
	d->helo = slice_of(k.at + at->helo_at, at->name_at - 1 - at->helo_at);
	endpoint_parse(
	    &d->from,
	    slice_of(k.at + at->source_at, at->helo_at - 1 - at->source_at), 0);
	dest_init(d);
	names_put(&out->dests, &d->link, hash);
	return d;
}

/* Takes the memory of *key. */
static struct dest *
find_take(struct out *out, struct buf *key, const struct place *at)
{
	uint64_t hash = names_hash(&out->dests, buf_slice(key));
	struct names_link *l = names_find(&out->dests, hash);
	struct dest *d;

	for (; l; l = names_more(l)) {
		d = OWNER(l, struct dest, link);
		if (slice_eq(buf_slice(&d->key), buf_slice(key))) {
			buf_free(key);
			return d;
		}
	}
	return make_take(out, key, at, hash);
}

static void
put_way(struct buf *key, const struct way *way, struct place *at)
{
	buf_putc(key, ' ');
	at->source_at = key->len;
	buf_puts(key, way->source);
	buf_putc(key, ' ');
	at->helo_at = key->len;
	buf_puts(key, way->helo);
	buf_putc(key, ' ');
	at->name_at = key->len;
}

static void
put_lower(struct buf *key, struct slice name)
{
	size_t i;

	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	for (i = 0; i < name.len; i++) {
		char c = name.at[i];

		buf_putc(key, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
}

struct dest *
dest_smarthost(struct out *out, const struct way *way, struct slice host,
	       uint16_t port)
{
	struct place at = {.port = port};
	struct buf key = {0};

	buf_number(&key, port);
	put_way(&key, way, &at);
	put_lower(&key, host);
	return find_take(out, &key, &at);
}

struct dest *
dest_domain(struct out *out, const struct way *way, struct slice domain)
{
	struct place at = {.is_mx = true, .port = out->mx_port};
	struct buf key = {0};

	buf_text(&key, "mx");
	put_way(&key, way, &at);
	put_lower(&key, domain);
	return find_take(out, &key, &at);
}
