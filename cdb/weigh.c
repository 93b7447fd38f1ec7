/* weigh.c - the second half of rows.h: what is allowed, but hardly meant */
#include "cdb/config.h"
#include "cdb/keys.h"
#include "cdb/rows.h"

/* Does any line of routes fit the domain, or .suffix? */
static bool
routed(const struct rows *r, struct slice domain)
{
	size_t i;

	if (seen_get(&r->seen, KEYS_ROUTES, domain) ||
	    seen_get(&r->seen, "routes of", domain) ||
	    seen_get(&r->seen, KEYS_ROUTES, SLICE("*")))
		return true;
	for (i = 0; i < domain.len; i++)
		if (domain.at[i] == '.' &&
		    seen_get(&r->seen, KEYS_ROUTES, slice_from(domain, i)))
			return true;
	return false;
}

static bool
is_local(const struct rows *r, struct slice domain)
{
	return seen_get(&r->seen, KEYS_LOCALS, domain) ||
	       seen_get(&r->seen, "made local", domain);
}

static void
weigh_me(struct rows *r, struct slice me)
{
	if ((r->needs & CONFIG_NEEDS_QUEUE) && !is_local(r, me) &&
	    !routed(r, me))
		rows_warn(
		    r,
		    "no line of locals or routes says where mail for $ goes, "
		    "the node's own reports among it; add it to one of them",
		    me);
}

static void
weigh_locals(struct rows *r, struct slice domain)
{
	if (!seen_get(&r->seen, "users of", domain))
		rows_warn(
		    r,
		    "$ has no line in users, so all its mail is refused; add "
		    "one there, such as: *@DOMAIN maildir:mail/%u",
		    domain);
}

static bool
is_virtual(const struct rows *r, struct slice domain)
{
	size_t i;

	if (seen_get(&r->seen, "virtual", domain) ||
	    seen_get(&r->seen, "virtual", SLICE("")))
		return true;
	for (i = 0; i < domain.len; i++)
		if (domain.at[i] == '.' &&
		    seen_get(&r->seen, "virtual", slice_from(domain, i)))
			return true;
	return false;
}

static void
weigh_rcpthosts(struct rows *r, struct slice domain)
{
	if (!is_local(r, domain) && !routed(r, domain) &&
	    !is_virtual(r, domain))
		rows_warn(
		    r,
		    "$ is accepted from strangers, but no line of locals or "
		    "routes says where it goes; add it to one of them",
		    domain);
}

static void
weigh_users(struct rows *r, struct slice pattern)
{
	if (!is_local(r, rows_domain(pattern)) &&
	    !seen_get(&r->seen, "made local", SLICE("")) &&
	    !seen_get(&r->seen, "me is", rows_domain(pattern)))
		rows_warn(
		    r,
		    "$ is of a domain that is not in locals, so this line is "
		    "never used; add the domain to locals",
		    pattern);
}

static void
weigh_routes(struct rows *r, struct slice pattern)
{
	if (seen_get(&r->seen, KEYS_LOCALS, rows_domain(pattern)))
		rows_warn(
		    r,
		    "$ is of a domain in locals, whose mail goes to users and "
		    "never here; take the domain out of locals, or this line "
		    "away",
		    pattern);
}

void
rows_weigh(struct rows *r, struct slice words)
{
	static const struct {
		const char *table;
		void (*weigh)(struct rows *r, struct slice word);
	} scales[] = {{KEYS_ME, weigh_me},
		      {KEYS_LOCALS, weigh_locals},
		      {KEYS_RCPTHOSTS, weigh_rcpthosts},
		      {KEYS_USERS, weigh_users},
		      {KEYS_ROUTES, weigh_routes}};
	size_t i;

	for (i = 0; i < sizeof scales / sizeof *scales; i++)
		if (strcmp(scales[i].table, r->table) == 0)
			scales[i].weigh(r, rows_lower(r, slice_word(&words)));
}
