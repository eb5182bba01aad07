"""Tables of core about people. Apps above name the subjects by which the trail and proposals are about a person."""

NOT_EXPORTED = {
    "core.LookupToken": "keyed hashes of the name and phone that the memberships have in clear",
    "core.Reading": "health of components and credit that is old: its pages are about the credit itself",
    "core.Attachment": "evidence for decisions of staff: forms ask for files without a member's name or phone",
    "core.OutboxMessage": "messages to the platform: they repeat what the other sections say, by the same identifiers",
    "core.LoginAttempt": "keyed hashes of logins and IP addresses, for a day",
    "core.SecondFactorReset": "decisions about staff",
    "core.StaffSession": "sessions of staff, who read their own on their security page",
    "core.TrailSeal": "hashes that chain the trail",
    "core.User": "accounts of staff and programs; members are never users",
}
