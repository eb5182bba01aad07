_OF_PARTNERS = "of partners, which are companies: no person of the platform"

NOT_EXPORTED = {
    "partners.SettlementAccount": _OF_PARTNERS,
    "partners.AdoptedSettlementAccount": _OF_PARTNERS,
    "partners.ApprovedSettlement": _OF_PARTNERS,
    "partners.ContestedLine": _OF_PARTNERS,
    "partners.LineAnswer": _OF_PARTNERS,
}
