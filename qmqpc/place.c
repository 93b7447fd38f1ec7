#include "qmqpc/place.h"

#include <stdlib.h>

int
place_open(struct place *p, const char *dir, struct buf *why)
{
	*p = (struct place){.dir = dir};
	if (!dir)
		p->dir = secure_getenv("QUAIL_DIR");
	if (!p->dir || !*p->dir)
		p->dir = "/etc/quail";
	buf_text(&p->path, p->dir);
	buf_text(&p->path, "/config.cdb");
	buf_putc(&p->path, 0);
	return config_open(&p->config, buf_slice(&p->path).at, why);
}

void
place_close(struct place *p)
{
	config_close(&p->config);
	buf_free(&p->path);
}
