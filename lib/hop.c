#include "lib/hop.h"

#include "lib/endpoint.h"

int
hop_parse(struct hop_name *h, struct slice name, const char *kind)
{
	size_t slash;

	*h = (struct hop_name){.address = name};
	h->is_tls = slice_starts(name, slice_text(kind));
	if (h->is_tls) {
		name = slice_from(name, strlen(kind));
		slash = slice_find(name, '/');
		h->is_pinned = slash < name.len;
		h->address = slice_of(name.at, slash);
		if (h->is_pinned &&
		    tls_pin_parse(slice_from(name, slash + 1), &h->pin) != 0)
			return -1;
	}
	return hostport_split(h->address, &h->host, &h->port);
}
