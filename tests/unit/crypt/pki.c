/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests. */
#include "pki.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/bytestring.h>

struct pki pki_make(struct mst_arena *arena, enum mst_key_kind kind, struct mst_issue what,
		    const struct pki *issuer)
{
	struct pki out;
	struct mst_err e;
	if (!what.not_before)
		what.not_before = PKI_NOW - PKI_DAY;
	if (!what.not_after)
		what.not_after = PKI_NOW + 365 * PKI_DAY;
	cr_assert_eq(mst_key_new(&out.key, kind, &e), 0, "%s", e.text);
	cr_assert_eq(mst_key_spki(&what.spki, arena, out.key, &e), 0, "%s", e.text);
	cr_assert_eq(mst_issue_write(&out.der, arena, &what,
				     issuer ? issuer->der : mst_slice(NULL, 0),
				     issuer ? issuer->key : out.key, NULL, &e),
		     0, "%s", e.text);
	cr_assert_eq(mst_pem_put(&out.pem, arena, "CERTIFICATE", out.der, &e), 0, "%s", e.text);
	cr_assert_eq(mst_key_pem(&out.key_pem, arena, out.key, &e), 0, "%s", e.text);
	return out;
}

struct mst_slice pki_resign(struct mst_arena *arena, struct mst_slice der, struct mst_slice from,
			    struct mst_slice to, const struct mst_key *key)
{
	struct mst_cert cert;
	struct mst_slice out, signature, copy;
	struct mst_err e;
	CBB cbb, whole, bits;
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0, "%s", e.text);
	cr_assert_eq(from.len, to.len);
	cr_assert(mst_arena_copy(arena, &copy, cert.tbs));
	uint8_t *place = memmem(copy.at, copy.len, from.at, from.len);
	cr_assert_not_null(place);
	memcpy(place, to.at, to.len);
	cr_assert_eq(mst_key_sign(&signature, arena, key, copy, &e), 0, "%s", e.text);
	/* The algorithm stands between the signed part and the signature. */
	const uint8_t *alg = cert.tbs.at + cert.tbs.len;
	size_t alg_len = 2u + alg[1];
	cr_assert(CBB_init(&cbb, 1024) && CBB_add_asn1(&cbb, &whole, CBS_ASN1_SEQUENCE) &&
		  CBB_add_bytes(&whole, copy.at, copy.len) && CBB_add_bytes(&whole, alg, alg_len) &&
		  CBB_add_asn1(&whole, &bits, CBS_ASN1_BITSTRING) && CBB_add_u8(&bits, 0) &&
		  CBB_add_bytes(&bits, signature.at, signature.len) && CBB_flush(&cbb));
	cr_assert(mst_arena_copy(arena, &out, mst_slice(CBB_data(&cbb), CBB_len(&cbb))));
	CBB_cleanup(&cbb);
	return out;
}

struct mst_slice pki_join(struct mst_arena *arena, struct mst_slice a, struct mst_slice b)
{
	uint8_t *text = mst_arena_get(arena, a.len + b.len + 1);
	cr_assert_not_null(text);
	memcpy(text, a.at, a.len);
	memcpy(text + a.len, b.at, b.len);
	return mst_slice(text, a.len + b.len);
}

int pki_run(const char *const *argv, const char *out)
{
	int status = -1;
	pid_t pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execve(argv[0], (char *const *)argv, (char *[]){NULL});
		_exit(127);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
