/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS (RFC 5652): SignedData and EnvelopedData, read from BER or DER and written in DER. Private keys stay with their owner:
 * a struct mst_cms_key is asked to sign or to undo RSA. Whether a certificate is trusted is not judged here; that the bytes
 * were signed by its key is. Pure functions, any thread; results lend the input and the arena.
 */
#ifndef MUSTER_CMS_H
#define MUSTER_CMS_H

#include "muster/cert.h"

#define MST_CMS_MAX (8u << 20)   /* bytes of a message: a signed profile with its pictures has a few MiB */
#define MST_CMS_CERTS_MAX 16     /* a chain has four */
#define MST_CMS_CRLS_MAX 4       /* one per CA of the chain */
#define MST_CMS_SIGNERS_MAX 4    /* MDM and SCEP have one */
#define MST_CMS_ATTRS_MAX 24     /* SCEP has eight, Apple adds a few */
#define MST_CMS_RECIPIENTS_MAX 16
#define MST_CMS_RSA_MAX 1024     /* bytes of a modulus: 8192 bits */

enum mst_cms_digest { MST_CMS_SHA1, MST_CMS_SHA256, MST_CMS_SHA384, MST_CMS_SHA512, MST_CMS_NUM_DIGESTS };
enum mst_cms_cipher {
	MST_CMS_AES128,
	MST_CMS_AES192,
	MST_CMS_AES256,
	MST_CMS_DES3,
	MST_CMS_DES,
	MST_CMS_NUM_CIPHERS /* all in CBC mode */
};
enum mst_cms_wrap { MST_CMS_RSA_V15, MST_CMS_OAEP_SHA1, MST_CMS_OAEP_SHA256 };
/* What a caller allows beyond the default, or'ed. */
enum {
	MST_CMS_ALLOW_SHA1 = 1, /* verify: Mdm-Signature and old SCEP clients */
	MST_CMS_ALLOW_DES = 2   /* open: single DES, never written */
};

/* A private key somewhere else. `sign` hashes `bytes` with `digest` and signs: RSA PKCS#1 v1.5, or ECDSA in DER.
 * `raw` is the RSA private operation without any padding: in.len is the modulus length, as many bytes go to `out`; it fails
 * only when `in` is no number below the modulus, and takes a time that says nothing about the result. Either may be NULL. */
struct mst_cms_key {
	const void *home;
	int (*sign)(struct mst_slice *out, struct mst_arena *arena, const void *home, enum mst_cms_digest digest,
		    struct mst_slice bytes, struct mst_err *e);
	int (*raw)(uint8_t out[static MST_CMS_RSA_MAX], const void *home, struct mst_slice in, struct mst_err *e);
};

/* An attribute: the contents of its OID, and of its SET OF values (one or more elements in DER). */
struct mst_cms_attr {
	struct mst_slice oid, values;
};
/* OID contents. Those of SCEP (RFC 8894 3.2.1): MST_S(MST_CMS_OID_SCEP "\x02") is messageType. */
#define MST_CMS_OID_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define MST_CMS_OID_SCEP "\x60\x86\x48\x01\x86\xf8\x45\x01\x09"

struct mst_cms_signer {
	struct mst_slice issuer, serial; /* Name in DER and contents of the number; or else */
	struct mst_slice key_id;         /* contents of the subject key identifier */
	enum mst_cms_digest digest;      /* MST_CMS_NUM_DIGESTS when it is not known here */
	struct mst_slice alg, signature; /* contents of the signature algorithm's OID; the bytes */
	struct mst_slice signed_attrs;   /* as received, with its [0]; empty when there are none */
	struct mst_cms_attr attrs[MST_CMS_ATTRS_MAX];
	size_t num_attrs;
};

struct mst_cms_signed {
	struct mst_slice content_type; /* contents of the OID */
	struct mst_slice content;
	bool has_content;
	struct mst_slice certs[MST_CMS_CERTS_MAX]; /* DER, in the order they came */
	struct mst_slice crls[MST_CMS_CRLS_MAX];
	struct mst_cms_signer signers[MST_CMS_SIGNERS_MAX]; /* none: certificates only */
	size_t num_certs, num_crls, num_signers;
};

/* mst_cms_signed_read takes a SignedData apart; nothing is verified. Returns 0, -1 SYNTAX, TOO_BIG or BUSY. */
int mst_cms_signed_read(struct mst_cms_signed *out, struct mst_arena *arena, struct mst_slice in, struct mst_err *e) MST_MUST;
/* mst_cms_signer_is: whether `cert` is the one the signer names. */
bool mst_cms_signer_is(const struct mst_cms_signer *signer, const struct mst_cert *cert);
/* mst_cms_signer_cert finds the signer's certificate among those inside. Returns 0, -1 ABSENT. */
int mst_cms_signer_cert(struct mst_cert *out, const struct mst_cms_signed *in, const struct mst_cms_signer *signer,
			struct mst_err *e) MST_MUST;
/* mst_cms_verify says whether `signer` signed the content with the key `spki` (RFC 5652 5.4, 5.6). `detached`: NULL when
 * the content must be inside; else the content, and what is inside must be absent or equal. RSA PKCS#1 v1.5 (1024 to 8192
 * bits) and ECDSA. Returns 0, -1 ABSENT no content, DENIED an algorithm that is not taken, CRYPTO anything else. */
int mst_cms_verify(const struct mst_cms_signed *in, const struct mst_cms_signer *signer, struct mst_slice spki,
		   const struct mst_slice *detached, uint32_t allow, struct mst_err *e) MST_MUST;

/* Values of attributes: texts are PrintableString, IA5String or UTF8String, bytes are OCTET STRING. */
enum mst_cms_kind { MST_CMS_TEXT, MST_CMS_BYTES };
/* mst_cms_attr_get lends the single value of the attribute. Returns 1, 0 when absent, -1 SYNTAX: it comes twice, has not one
 * value, or one of another kind. */
int mst_cms_attr_get(struct mst_slice *out, const struct mst_cms_signer *signer, struct mst_slice oid, enum mst_cms_kind kind,
		     struct mst_err *e) MST_MUST;
/* mst_cms_attr_make writes a value: a text becomes a PrintableString, UTF8String where its letters need that. */
int mst_cms_attr_make(struct mst_cms_attr *out, struct mst_arena *arena, struct mst_slice oid, enum mst_cms_kind kind,
		      struct mst_slice value, struct mst_err *e) MST_MUST;

/* What mst_cms_sign writes: one signer by issuer and serial number; contentType and messageDigest are its own business. */
struct mst_cms_sign {
	const struct mst_cms_key *key;
	struct mst_slice cert;         /* the signer's, DER */
	const struct mst_slice *chain; /* more certificates to include, as they are */
	size_t num_chain;
	const struct mst_slice *crls;
	size_t num_crls;
	enum mst_cms_digest digest; /* SHA-1 is not written */
	struct mst_slice content;   /* of type data */
	const struct mst_cms_attr *attrs;
	size_t num_attrs;
	int64_t time_s;                         /* signingTime, 0: none */
	bool is_detached, is_bare, is_certless; /* no content; no signed attributes; no certificate of the signer */
};
int mst_cms_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_cms_sign *what, struct mst_err *e) MST_MUST;
/* mst_cms_bundle writes the degenerate SignedData: certificates and CRLs without a signer (RFC 8894 3.4). */
int mst_cms_bundle(struct mst_slice *out, struct mst_arena *arena, const struct mst_slice *certs, size_t num_certs,
		   const struct mst_slice *crls, size_t num_crls, struct mst_err *e) MST_MUST;

struct mst_cms_opened {
	struct mst_slice content_type, content;
	enum mst_cms_cipher cipher;
};
/* mst_cms_open decrypts an EnvelopedData for the holder of `own` by RSA PKCS#1 v1.5 or OAEP. Recipients are matched by issuer
 * and number or key identifier; an only recipient is tried anyway. Returns 0, -1 SYNTAX the outside does not parse, DENIED a
 * cipher that is not taken, TOO_BIG or BUSY, and for all the rest one CRYPTO "cannot be opened". A wrong key may also give
 * rubbish (RFC 3218): treat content that does not parse as that same failure. */
int mst_cms_open(struct mst_cms_opened *out, struct mst_arena *arena, struct mst_slice in, const struct mst_cert *own,
		 const struct mst_cms_key *key, uint32_t allow, struct mst_err *e) MST_MUST;
/* mst_cms_seal encrypts `content` (type data) to the RSA keys of 1 to MST_CMS_RECIPIENTS_MAX certificates. */
int mst_cms_seal(struct mst_slice *out, struct mst_arena *arena, struct mst_slice content, const struct mst_cert *to, size_t num_to,
		 enum mst_cms_cipher cipher, enum mst_cms_wrap wrap, struct mst_err *e) MST_MUST;

#endif
