/* SPDX-License-Identifier: Apache-2.0 */
/* Seals secrets at rest: AES-256-GCM under a master key, bound to the record they belong to. */
#include "muster/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/aead.h>
#include <openssl/err.h>

#include "muster/file.h"
#include "muster/text.h"

#define KEY_LEN   32
#define NONCE_LEN 12
#define TAG_LEN   16
#define VERSION   1

_Static_assert(MST_SEAL_MORE == 1 + NONCE_LEN + TAG_LEN, "the header says so");

struct mst_seal {
	EVP_AEAD_CTX aead; /* never changes after it is made: threads may share it */
};

static int read_key(uint8_t key[static KEY_LEN], const char *path, struct mst_err *e)
{
	char text[2 * KEY_LEN +
		  2]; /* a line end, and one byte more shows a file that is too long */
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mst_fail_sys(e, errno, "%s", path);
	int rc = -1;
	ssize_t len = 0;
	if (fstat(fd, &st) < 0)
		mst_fail_sys(e, errno, "%s", path);
	else if (!S_ISREG(st.st_mode) || st.st_mode & 077)
		mst_fail(e, MST_E_CONF, "%s: the master key must be a file of mode 0600", path);
	else if ((len = read(fd, text, sizeof(text))) < 0)
		mst_fail_sys(e, errno, "%s", path);
	else
		rc = 0;
	close(fd);
	if (rc < 0)
		return -1;
	if (len == 2 * KEY_LEN + 1 && text[len - 1] == '\n')
		len--;
	struct mst_err hidden; /* says nothing about the key's digits */
	if (len != 2 * KEY_LEN ||
	    mst_hex_get(key, KEY_LEN, mst_slice(text, 2 * KEY_LEN), &hidden) < 0)
		rc = mst_fail(e, MST_E_CONF, "%s: the master key is 64 hex digits", path);
	mst_wipe(text, sizeof(text));
	return rc;
}

int mst_seal_load(struct mst_seal **out, const char *path, struct mst_err *e)
{
	uint8_t key[KEY_LEN];
	struct mst_seal *seal = NULL;
	int rc = read_key(key, path, e);
	if (rc < 0)
		goto out;
	rc = -1;
	seal = calloc(1, sizeof(*seal));
	if (!seal || !EVP_AEAD_CTX_init(&seal->aead, EVP_aead_aes_256_gcm(), key, sizeof(key),
					TAG_LEN, NULL)) {
		ERR_clear_error();
		free(seal);
		mst_fail(e, MST_E_BUSY, "no memory for the master key");
		goto out;
	}
	*out = seal;
	rc = 0;
out:
	mst_wipe(key, sizeof(key));
	return rc;
}

int mst_seal_init(const char *path, struct mst_err *e)
{
	uint8_t key[KEY_LEN];
	char text[2 * KEY_LEN + 1];
	mst_random(key, sizeof(key));
	mst_hex_put(text, mst_slice(key, sizeof(key)));
	text[2 * KEY_LEN] = '\n';
	int rc = mst_file_create(path, mst_slice(text, sizeof(text)), 0600, e);
	mst_wipe(key, sizeof(key));
	mst_wipe(text, sizeof(text));
	return rc;
}

void mst_seal_free(struct mst_seal **seal)
{
	if (!*seal)
		return;
	EVP_AEAD_CTX_cleanup(&(*seal)->aead);
	mst_wipe(*seal, sizeof(**seal));
	free(*seal);
	*seal = NULL;
}

/*  version 1 | nonce 12 | ciphertext | tag 16  */
int mst_seal_close(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal,
		   struct mst_slice bound, struct mst_slice plain, struct mst_err *e)
{
	size_t room, len;
	uint8_t *sealed = NULL;
	if (!__builtin_add_overflow(plain.len, (size_t)MST_SEAL_MORE, &room))
		sealed = mst_arena_get(arena, room);
	if (!sealed)
		return mst_fail(e, MST_E_BUSY, "no memory to seal");
	sealed[0] = VERSION;
	mst_random(sealed + 1, NONCE_LEN);
	uint8_t *cipher = sealed + 1 + NONCE_LEN;
	if (!EVP_AEAD_CTX_seal(&seal->aead, cipher, &len, plain.len + TAG_LEN, sealed + 1,
			       NONCE_LEN, plain.at, plain.len, bound.at, bound.len)) {
		ERR_clear_error();
		return mst_fail(e, MST_E_CRYPTO, "sealing failed");
	}
	*out = mst_slice(sealed, 1 + NONCE_LEN + len);
	return 0;
}

int mst_seal_open(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal,
		  struct mst_slice bound, struct mst_slice sealed, struct mst_err *e)
{
	if (sealed.len < MST_SEAL_MORE || sealed.at[0] != VERSION)
		return mst_fail(e, MST_E_CRYPTO, "not a sealed value");
	size_t room = sealed.len - 1 - NONCE_LEN, len;
	uint8_t *plain = mst_arena_get(arena, room);
	if (!plain)
		return mst_fail(e, MST_E_BUSY, "no memory to unseal");
	if (!EVP_AEAD_CTX_open(&seal->aead, plain, &len, room, sealed.at + 1, NONCE_LEN,
			       sealed.at + 1 + NONCE_LEN, room, bound.at, bound.len)) {
		ERR_clear_error();
		return mst_fail(e, MST_E_CRYPTO,
				"a sealed value was changed, or belongs elsewhere");
	}
	*out = mst_slice(plain, len);
	return 0;
}
