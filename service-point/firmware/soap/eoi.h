// eoi.h - imported by wsman.h: what AMT firmware 3.2 to 5.x says and hears over its older SOAP interface.
//
// Source: Intel AMT SDK 3.0, network interface reference: names, order and types of the elements.
//
// One prefix per service, the one the SDK uses. Each service has "in" and "out", which hold what all its
// operations that are called here take and give; one operation has a subset of them, in this order. All
// members may be absent: an answer with a status other than 0 may hold nothing else, and elements that are
// not named here are skipped. Numbers that are enumerations stay numbers, so that an unexpected one still
// parses. The names of the elements around these structs are given when they are written and read.

//gsoap sai  schema namespace: http://schemas.intel.com/platform/client/SecurityAdministration/2004/01
//gsoap sai  schema elementForm: qualified
//gsoap net  schema namespace: http://schemas.intel.com/platform/client/NetworkAdministration/2004/01
//gsoap net  schema elementForm: qualified
//gsoap tim  schema namespace: http://schemas.intel.com/platform/client/NetworkTime/2004/01
//gsoap tim  schema elementForm: qualified
//gsoap inf  schema namespace: http://schemas.intel.com/platform/client/GeneralInfo/2004/01
//gsoap inf  schema elementForm: qualified
//gsoap hwa  schema namespace: http://schemas.intel.com/platform/client/HardwareAsset/2004/01
//gsoap hwa  schema elementForm: qualified
//gsoap cstr schema namespace: http://schemas.intel.com/platform/client/CertStore/2006/01
//gsoap cstr schema elementForm: qualified

// ---- keys and certificates; what is inside a type of another schema is in that schema's namespace

struct cstr__RSAKeyPair {
    xsd__base64 DERKey 0;
};
struct cstr__KeyPair {
    struct cstr__RSAKeyPair *RSAKeyPair 0;
};
struct sai__Certificate {
    xsd__base64 X509cert 0;
};

// ---- SecurityAdministration

struct sai__RngKey {
    xsd__unsignedInt *Type 0;
    xsd__unsignedInt *Length 0;
    xsd__base64 Data 0;
};
struct sai__AdminAclEntryEx {
    xsd__string Username 0;
    xsd__base64 DigestPassword 0;
};
struct sai__TlsOptions {
    xsd__string Interface 0;
    xsd__string TlsAuthentication 0;
};
struct sai__PkiCaps {
    int __sizeSupportedKeyLengths;
    xsd__unsignedInt *SupportedKeyLengths 0;
};
struct sai__in {
    struct sai__RngKey *Key 0;
    xsd__string Password 0;
    struct sai__AdminAclEntryEx *EntryEx 0;
    struct cstr__KeyPair *KeyPair 0;
    xsd__unsignedInt *KeyPairHandle 0;
    struct sai__Certificate *Certificate 0;
    xsd__unsignedInt *CertHandle 0;
    int __sizeTlsOptions;
    struct sai__TlsOptions *TlsOptions 0;
};
struct sai__out {
    xsd__unsignedInt *StatusCode 0;
    xsd__string Version 0;
    xsd__string DigestRealm 0;
    struct sai__PkiCaps *PkiCaps 0;
    xsd__base64 OTP 0;
    xsd__unsignedInt *KeyPairHandle 0;
    int __sizeKeyPairHandles;
    xsd__unsignedInt *KeyPairHandles 0;
    struct cstr__KeyPair *PublicKey 0;
    xsd__unsignedInt *CertHandle 0;
    int __sizeCertHandles;
    xsd__unsignedInt *CertHandles 0;
    struct sai__Certificate *Certificate 0;
    int __sizeTlsOptions;
    struct sai__TlsOptions *TlsOptions 0;
};

// ---- NetworkAdministration, NetworkTime, GeneralInfo

struct net__in {
    xsd__string HostName 0;
    xsd__string DomainName 0;
};
struct net__out {
    xsd__unsignedInt *StatusCode 0;
    xsd__string HostName 0;
    xsd__string DomainName 0;
};
struct tim__in {
    xsd__unsignedInt *Ta0 0;
    xsd__unsignedInt *Tm1 0;
    xsd__unsignedInt *Tm2 0;
};
struct tim__out {
    xsd__unsignedInt *StatusCode 0;
    xsd__unsignedInt *Ta0 0;
};
struct inf__out {
    xsd__unsignedInt *StatusCode 0;
    xsd__string ProvisioningState 0;
    enum xsd__boolean *IsDefault 0;
};

// ---- HardwareAsset, whose status has another name

struct hwa__in {
    xsd__unsignedInt *AssetType 0;
};
struct hwa__Asset {
    xsd__unsignedInt *AssetType 0;
    xsd__base64 AssetData 0;
};
struct hwa__AssetList {
    int __sizeAssetData;
    struct hwa__Asset *AssetData 0;
};
struct hwa__out {
    xsd__unsignedInt *Status 0;
    struct hwa__AssetList *AssetData 0;
};
