// wsman.h - input of soapcpp2: what AMT firmware says and hears over WS-Management; its older SOAP
// interface is imported at the end.
//
// Sources: DSP0226 (WS-Management 1.0) and WS-Addressing 2004/08 for the header and endpoint references;
// Intel AMT SDK, class reference, for the classes and the order of method parameters.
//
// One prefix per class, because in AMT a class is a namespace. Each class has up to three structs: its
// instance, with members in the order of the wire (byte order of the names); "in" and "out", which hold
// the parameters of all its methods in MOF order, for a method sends and gets a subset of them. All
// members may be absent; elements that are not named here are skipped. The names of the elements around
// these structs are given when they are written and read.

//gsoap SOAP-ENV schema namespace: http://www.w3.org/2003/05/soap-envelope
//gsoap SOAP-ENC schema namespace: http://www.w3.org/2003/05/soap-encoding

//gsoap wsa   schema namespace: http://schemas.xmlsoap.org/ws/2004/08/addressing
//gsoap wsa   schema elementForm: qualified
//gsoap wsman schema namespace: http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd
//gsoap wsman schema elementForm: qualified
//gsoap wsen  schema namespace: http://schemas.xmlsoap.org/ws/2004/09/enumeration
//gsoap wsen  schema elementForm: qualified
//gsoap wxf   schema namespace: http://schemas.xmlsoap.org/ws/2004/09/transfer
//gsoap wxf   schema elementForm: qualified

//gsoap setup schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_SetupAndConfigurationService
//gsoap setup schema elementForm: qualified
//gsoap general schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings
//gsoap general schema elementForm: qualified
//gsoap time  schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TimeSynchronizationService
//gsoap time  schema elementForm: qualified
//gsoap acl   schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_AuthorizationService
//gsoap acl   schema elementForm: qualified
//gsoap pkm   schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_PublicKeyManagementService
//gsoap pkm   schema elementForm: qualified
//gsoap cert  schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_PublicKeyCertificate
//gsoap cert  schema elementForm: qualified
//gsoap crl   schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_CRL
//gsoap crl   schema elementForm: qualified
//gsoap pair  schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_PublicPrivateKeyPair
//gsoap pair  schema elementForm: qualified
//gsoap tlscred schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TLSCredentialContext
//gsoap tlscred schema elementForm: qualified
//gsoap tls   schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TLSSettingData
//gsoap tls   schema elementForm: qualified
//gsoap redir schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_RedirectionService
//gsoap redir schema elementForm: qualified
//gsoap web   schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_WebUIService
//gsoap web   schema elementForm: qualified
//gsoap kvm   schema namespace: http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_KVMRedirectionSAP
//gsoap kvm   schema elementForm: qualified
//gsoap optin schema namespace: http://intel.com/wbem/wscim/1/ips-schema/1/IPS_OptInService
//gsoap optin schema elementForm: qualified
//gsoap power schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_SystemPowerScheme
//gsoap power schema elementForm: qualified
//gsoap esd   schema namespace: http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ElementSettingData
//gsoap esd   schema elementForm: qualified
//gsoap port  schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_EthernetPortSettings
//gsoap port  schema elementForm: qualified
//gsoap soft  schema namespace: http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_SoftwareIdentity
//gsoap soft  schema elementForm: qualified
//gsoap krb   schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_KerberosSettingData
//gsoap krb   schema elementForm: qualified
//gsoap hbs   schema namespace: http://intel.com/wbem/wscim/1/ips-schema/1/IPS_HostBasedSetupService
//gsoap hbs   schema elementForm: qualified
//gsoap kvmset schema namespace: http://intel.com/wbem/wscim/1/ips-schema/1/IPS_KVMRedirectionSettingData
//gsoap kvmset schema elementForm: qualified
//gsoap wifisvc schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_WiFiPortConfigurationService
//gsoap wifisvc schema elementForm: qualified
//gsoap wifiset schema namespace: http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_WiFiEndpointSettings
//gsoap wifiset schema elementForm: qualified
//gsoap wifiport schema namespace: http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_WiFiPort
//gsoap wifiport schema elementForm: qualified
//gsoap eap   schema namespace: http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_IEEE8021xSettings
//gsoap eap   schema elementForm: qualified
//gsoap wired schema namespace: http://intel.com/wbem/wscim/1/ips-schema/1/IPS_IEEE8021xSettings
//gsoap wired schema elementForm: qualified
//gsoap wiredold schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_8021XProfile
//gsoap wiredold schema elementForm: qualified
//gsoap context schema namespace: http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_CredentialContext
//gsoap context schema elementForm: qualified
//gsoap contexti schema namespace: http://intel.com/wbem/wscim/1/ips-schema/1/IPS_8021xCredentialContext
//gsoap contexti schema elementForm: qualified
//gsoap contexta schema namespace: http://intel.com/wbem/wscim/1/amt-schema/1/AMT_8021xCredentialContext
//gsoap contexta schema elementForm: qualified

typedef char *xsd__string;
typedef unsigned char xsd__unsignedByte;
typedef unsigned short xsd__unsignedShort;
typedef unsigned int xsd__unsignedInt;
enum xsd__boolean { false_, true_ };
typedef char *xsd__base64; // decoded by the typed calls, which know what the octets are

// ---- header and endpoint references

struct wsman__Selector { // an endpoint reference inside a selector is skipped: no answer that is read needs one
    xsd__string __item;
    @xsd__string Name;
};
struct wsman__SelectorSet {
    int __sizeSelector;
    struct wsman__Selector *Selector 0;
};
struct wsa__ReferenceParameters {
    xsd__string wsman__ResourceURI 0;
    struct wsman__SelectorSet *wsman__SelectorSet 0;
};
struct wsa__EndpointReference {
    xsd__string Address 0;
    struct wsa__ReferenceParameters *ReferenceParameters 0;
};
struct wsa__ReplyTo {
    xsd__string Address 0;
};
// Selectors of a request's header; XML, because a key of an association class is an endpoint reference.
struct wsman__HeaderSelector {
    _XML __item;
    @xsd__string Name;
};
struct wsman__HeaderSelectorSet {
    int __sizeSelector;
    struct wsman__HeaderSelector *Selector 0;
};
// Action of an answer carries mustUnderstand: being a member here is what understands it.
struct SOAP_ENV__Header {
    xsd__string wsa__Action 0;
    xsd__string wsa__To 0;
    xsd__string wsman__ResourceURI 0;
    xsd__string wsa__MessageID 0;
    xsd__string wsa__RelatesTo 0;
    struct wsa__ReplyTo *wsa__ReplyTo 0;
    xsd__string wsman__OperationTimeout 0;
    struct wsman__HeaderSelectorSet *wsman__SelectorSet 0;
};

// ---- WS-Enumeration

struct wsen__context { // EnumerateResponse
    xsd__string EnumerationContext 0;
};
struct wsen__pull {
    xsd__string EnumerationContext 0;
    xsd__unsignedInt *MaxElements 0;
    xsd__unsignedInt *MaxCharacters 0;
};

// ---- setup and settings

struct setup__instance {
    xsd__string ConfigurationServerFQDN 0;
    xsd__string DhcpDNSSuffix 0;
    xsd__string ElementName 0;
    xsd__unsignedByte *PasswordModel 0;
    xsd__unsignedByte *ProvisioningMode 0;
    xsd__base64 ProvisioningServerOTP 0;
    xsd__unsignedByte *ProvisioningState 0;
    xsd__string TrustedDNSSuffix 0;
    enum xsd__boolean *ZeroTouchConfigurationEnabled 0;
};
struct setup__in {
    xsd__string Password 0;
    xsd__unsignedInt *ProvisioningMode 0;
};
struct setup__out {
    xsd__base64 UUID 0;
    xsd__unsignedInt *ReturnValue 0;
};

struct general__instance {
    xsd__unsignedInt *AMTNetworkEnabled 0;
    xsd__unsignedInt *DDNSPeriodicUpdateInterval 0;
    xsd__unsignedInt *DDNSTTL 0;
    enum xsd__boolean *DDNSUpdateByDHCPServerEnabled 0;
    enum xsd__boolean *DDNSUpdateEnabled 0;
    xsd__unsignedInt *DHCPSyncRequiresHostname 0;
    xsd__unsignedShort *DHCPv6ConfigurationTimeout 0;
    xsd__string DigestRealm 0;
    xsd__string DomainName 0;
    xsd__string ElementName 0;
    xsd__string HostName 0;
    xsd__string HostOSFQDN 0;
    xsd__unsignedInt *IdleWakeTimeout 0;
    xsd__string InstanceID 0;
    enum xsd__boolean *NetworkInterfaceEnabled 0;
    xsd__unsignedShort *OemID 0;
    enum xsd__boolean *PingResponseEnabled 0;
    xsd__unsignedInt *PowerSource 0;
    xsd__unsignedInt *PreferredAddressFamily 0;
    xsd__unsignedInt *PresenceNotificationInterval 0;
    xsd__unsignedInt *PrivacyLevel 0;
    enum xsd__boolean *RmcpPingResponseEnabled 0;
    enum xsd__boolean *SharedFQDN 0;
    xsd__unsignedInt *ThunderboltDockEnabled 0;
    enum xsd__boolean *WsmanOnlyMode 0;
};

struct time__instance {
    xsd__unsignedInt *LocalTimeSyncEnabled 0;
    xsd__unsignedInt *TimeSource 0;
};
struct time__in {
    xsd__unsignedInt *Ta0 0;
    xsd__unsignedInt *Tm1 0;
    xsd__unsignedInt *Tm2 0;
};
struct time__out {
    xsd__unsignedInt *Ta0 0;
    xsd__unsignedInt *ReturnValue 0;
};

struct port__instance {
    enum xsd__boolean *DHCPEnabled 0;
    xsd__string ElementName 0;
    xsd__string IPAddress 0;
    xsd__string InstanceID 0;
    enum xsd__boolean *LinkIsUp 0;
    xsd__string MACAddress 0;
    xsd__unsignedInt *PhysicalConnectionType 0;
    xsd__unsignedInt *WLANLinkProtectionLevel 0;
};

struct soft__instance {
    xsd__string InstanceID 0;
    xsd__string VersionString 0;
};

struct hbs__instance {
    int __sizeAllowedControlModes;
    xsd__unsignedByte *AllowedControlModes 0;
    xsd__unsignedByte *CertChainStatus 0;
    xsd__base64 ConfigurationNonce 0;
    xsd__unsignedByte *CurrentControlMode 0;
};
struct hbs__out {
    xsd__unsignedInt *ReturnValue 0;
};

// ---- access control, Kerberos

struct acl__instance {
    xsd__unsignedInt *AllowHttpQopAuthOnly 0;
    xsd__string Name 0;
};
struct acl__in {
    xsd__unsignedInt *StartIndex 0;
    xsd__string Username 0;
    xsd__unsignedInt *Handle 0;
    xsd__string DigestUsername 0;
    xsd__base64 DigestPassword 0;
    xsd__base64 KerberosUserSid 0;
    xsd__unsignedInt *AccessPermission 0;
    int __sizeRealms;
    xsd__unsignedInt *Realms 0;
    enum xsd__boolean *Enabled 0;
};
struct acl__out {
    xsd__unsignedInt *TotalCount 0;
    xsd__unsignedInt *HandlesCount 0;
    int __sizeHandles;
    xsd__unsignedInt *Handles 0;
    xsd__unsignedInt *Handle 0;
    xsd__string DigestUsername 0;
    xsd__base64 KerberosUserSid 0;
    xsd__unsignedInt *AccessPermission 0;
    int __sizeRealms;
    xsd__unsignedInt *Realms 0;
    enum xsd__boolean *IsDefault 0;
    enum xsd__boolean *Enabled 0;
    xsd__unsignedInt *ReturnValue 0;
};

struct krb__instance {
    int __sizeConfiguredEncryptionAlgorithms;
    xsd__unsignedShort *ConfiguredEncryptionAlgorithms 0;
    xsd__string ElementName 0;
    xsd__unsignedShort *EncryptionAlgorithm 0;
    xsd__string InstanceID 0;
    xsd__unsignedInt *IterationCount 0;
    xsd__unsignedInt *KeyVersion 0;
    enum xsd__boolean *KrbEnabled 0;
    xsd__base64 MasterKey 0;
    xsd__unsignedInt *MaximumClockTolerance 0;
    xsd__string Passphrase 0;
    xsd__string RealmName 0;
    xsd__string Salt 0;
    int __sizeServicePrincipalName;
    xsd__string *ServicePrincipalName 0;
    int __sizeServicePrincipalProtocol;
    xsd__unsignedShort *ServicePrincipalProtocol 0;
    int __sizeSupportedEncryptionAlgorithms;
    xsd__unsignedShort *SupportedEncryptionAlgorithms 0;
};
struct krb__out {
    enum xsd__boolean *Enabled 0;
    xsd__unsignedInt *ReturnValue 0;
};

// ---- keys, certificates, TLS

struct pkm__instance {
    xsd__string Name 0;
};
struct pkm__in {
    xsd__base64 CertificateBlob 0;
    xsd__base64 KeyBlob 0;
    xsd__unsignedInt *KeyAlgorithm 0;
    xsd__unsignedInt *KeyLength 0;
    struct wsa__EndpointReference *KeyPair 0;
    xsd__unsignedInt *SigningAlgorithm 0;
    xsd__base64 NullSignedCertificateRequest 0;
    xsd__string Url 0;
    int __sizeSerialNumbers;
    xsd__string *SerialNumbers 0;
};
struct pkm__out {
    struct wsa__EndpointReference *CreatedCertificate 0;
    struct wsa__EndpointReference *CreatedKey 0;
    struct wsa__EndpointReference *KeyPair 0;
    xsd__base64 SignedCertificateRequest 0;
    struct wsa__EndpointReference *CRL 0;
    xsd__unsignedInt *ReturnValue 0;
};

struct crl__instance {
    xsd__string InstanceID 0;
    int __sizeSerialNumbers;
    xsd__string *SerialNumbers 0;
    xsd__string Url 0;
};

struct cert__instance {
    xsd__string ElementName 0;
    xsd__string InstanceID 0;
    xsd__string Issuer 0;
    enum xsd__boolean *ReadOnlyCertificate 0;
    xsd__string Subject 0;
    enum xsd__boolean *TrustedRootCertficate 0; // spelt so in the MOF
    xsd__base64 X509Certificate 0;
};

struct pair__instance {
    xsd__base64 DERKey 0;
    xsd__string ElementName 0;
    xsd__string InstanceID 0;
};

struct tlscred__instance {
    struct wsa__EndpointReference *ElementInContext 0;
    struct wsa__EndpointReference *ElementProvidingContext 0;
};

struct tls__instance {
    enum xsd__boolean *AcceptNonSecureConnections 0;
    xsd__string ElementName 0;
    enum xsd__boolean *Enabled 0;
    xsd__string InstanceID 0;
    enum xsd__boolean *MutualAuthentication 0;
    enum xsd__boolean *NonSecureConnectionsSupported 0;
    int __sizeTrustedCN;
    xsd__string *TrustedCN 0;
    xsd__string X509IssuerName 0;
    xsd__base64 X509SerialNumber 0;
};

// ---- redirection, web interface, KVM, consent

struct redir__instance {
    xsd__string CreationClassName 0;
    xsd__string ElementName 0;
    xsd__unsignedShort *EnabledState 0;
    enum xsd__boolean *ListenerEnabled 0;
    xsd__string Name 0;
    xsd__string SystemCreationClassName 0;
    xsd__string SystemName 0;
};
struct redir__in {
    xsd__unsignedShort *RequestedState 0;
};
struct redir__out {
    xsd__unsignedInt *ReturnValue 0;
};

struct web__instance {
    xsd__unsignedShort *EnabledState 0;
};
struct web__in {
    xsd__unsignedShort *RequestedState 0;
};
struct web__out {
    xsd__unsignedInt *ReturnValue 0;
};

struct kvm__instance {
    xsd__unsignedShort *EnabledState 0;
};
struct kvm__in {
    xsd__unsignedShort *RequestedState 0;
};
struct kvm__out {
    xsd__unsignedInt *ReturnValue 0;
};

struct optin__instance {
    xsd__unsignedByte *CanModifyOptInPolicy 0;
    xsd__string CreationClassName 0;
    xsd__string ElementName 0;
    xsd__string Name 0;
    xsd__unsignedInt *OptInCodeTimeout 0;
    xsd__unsignedShort *OptInDisplayTimeout 0;
    xsd__unsignedInt *OptInRequired 0;
    xsd__unsignedByte *OptInState 0;
    xsd__string SystemCreationClassName 0;
    xsd__string SystemName 0;
};
struct optin__out {
    xsd__unsignedInt *ReturnValue 0;
};

// ---- power

struct power__instance {
    xsd__string Description 0;
    xsd__string ElementName 0;
    xsd__string InstanceID 0;
    xsd__string SchemeGUID 0;
};
struct power__out {
    xsd__unsignedInt *ReturnValue 0;
};

struct esd__instance {
    xsd__unsignedShort *IsCurrent 0;
    struct wsa__EndpointReference *ManagedElement 0;
    struct wsa__EndpointReference *SettingData 0;
};

// ---- KVM settings

struct kvmset__instance {
    enum xsd__boolean *BackToBackFbMode 0;
    xsd__unsignedByte *DefaultScreen 0;
    enum xsd__boolean *DoubleBufferEnabled 0;
    xsd__string ElementName 0;
    enum xsd__boolean *EnabledByMEBx 0;
    xsd__unsignedByte *InitialDecimationModeForLowRes 0;
    xsd__string InstanceID 0;
    enum xsd__boolean *Is5900PortEnabled 0;
    enum xsd__boolean *OptInPolicy 0;
    xsd__unsignedShort *OptInPolicyTimeout 0;
    xsd__unsignedShort *SessionTimeout 0;
};
struct kvmset__out {
    xsd__unsignedInt *ReturnValue 0;
};

// ---- wireless

struct wifiset__instance {
    xsd__unsignedShort *AuthenticationMethod 0;
    xsd__unsignedShort *BSSType 0;
    xsd__string ElementName 0;
    xsd__unsignedShort *EncryptionMethod 0;
    xsd__string InstanceID 0;
    xsd__string PSKPassPhrase 0;
    xsd__unsignedByte *Priority 0;
    xsd__string SSID 0;
};
struct eap__instance {
    xsd__unsignedShort *AuthenticationProtocol 0;
    xsd__string Domain 0;
    xsd__string ElementName 0;
    xsd__string InstanceID 0;
    xsd__string Password 0;
    xsd__string RoamingIdentity 0;
    xsd__string ServerCertificateName 0;
    xsd__unsignedShort *ServerCertificateNameComparison 0;
    xsd__string Username 0;
};
struct wifisvc__instance {
    xsd__string CreationClassName 0;
    xsd__string ElementName 0;
    xsd__unsignedShort *EnabledState 0;
    xsd__unsignedShort *HealthState 0;
    xsd__string Name 0;
    xsd__unsignedInt *NoHostCsmeSoftwarePolicy 0;
    xsd__unsignedShort *RequestedState 0;
    xsd__string SystemCreationClassName 0;
    xsd__string SystemName 0;
    enum xsd__boolean *UEFIWiFiProfileShareEnabled 0;
    xsd__unsignedInt *localProfileSynchronizationEnabled 0;
};
struct wifisvc__in {
    struct wsa__EndpointReference *WiFiEndpoint 0;
    struct wsa__EndpointReference *WiFiEndpointSettings 0;
    struct wifiset__instance *WiFiEndpointSettingsInput 0;
    struct eap__instance *IEEE8021xSettingsInput 0;
    struct wsa__EndpointReference *ClientCredential 0;
    struct wsa__EndpointReference *CACredential 0;
};
struct wifisvc__out {
    xsd__unsignedInt *ReturnValue 0;
};
struct wifiport__instance {
    xsd__unsignedShort *EnabledState 0;
    xsd__string PermanentAddress 0;
};
struct wifiport__in {
    xsd__unsignedShort *RequestedState 0;
};
struct wifiport__out {
    xsd__unsignedInt *ReturnValue 0;
};

// ---- wired 802.1X, and who uses which certificate

struct wired__instance {
    xsd__unsignedShort *AuthenticationProtocol 0;
    enum xsd__boolean *AvailableInS0 0;
    xsd__string Domain 0;
    xsd__string ElementName 0;
    xsd__unsignedInt *Enabled 0;
    xsd__string InstanceID 0;
    xsd__string Password 0;
    xsd__unsignedInt *PxeTimeout 0;
    xsd__string RoamingIdentity 0;
    xsd__string ServerCertificateName 0;
    xsd__unsignedShort *ServerCertificateNameComparison 0;
    xsd__string Username 0;
};
struct wired__in {
    struct wsa__EndpointReference *ServerCertificateIssuer 0;
    struct wsa__EndpointReference *ClientCertificate 0;
};
struct wired__out {
    xsd__unsignedInt *ReturnValue 0;
};
struct wiredold__instance {
    enum xsd__boolean *ActiveInS0 0;
    xsd__unsignedShort *AuthenticationProtocol 0;
    struct wsa__EndpointReference *ClientCertificate 0;
    xsd__string Domain 0;
    xsd__string ElementName 0;
    enum xsd__boolean *Enabled 0;
    xsd__string InstanceID 0;
    xsd__string Password 0;
    xsd__unsignedInt *PxeTimeout 0;
    xsd__string RoamingIdentity 0;
    struct wsa__EndpointReference *ServerCertificateIssuer 0;
    xsd__string ServerCertificateName 0;
    xsd__unsignedShort *ServerCertificateNameComparison 0;
    xsd__string Username 0;
};

struct context__instance {
    struct wsa__EndpointReference *ElementInContext 0;
    struct wsa__EndpointReference *ElementProvidingContext 0;
};
struct contexti__instance {
    struct wsa__EndpointReference *ElementInContext 0;
    struct wsa__EndpointReference *ElementProvidingContext 0;
};
struct contexta__instance {
    struct wsa__EndpointReference *ElementInContext 0;
    struct wsa__EndpointReference *ElementProvidingContext 0;
};

#import "eoi.h"
