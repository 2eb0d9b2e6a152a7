"""The causal map, outwards: kind of effect → who performs it.

One line a kind. `plugin.effects.performing` makes the calls; the composition root hands it this table.
"""

from __future__ import annotations

from plugin.commerce import catalogue
from plugin.effects.performing import Performer
from plugin.loyalty import issuing, returning
from plugin.loyalty import remote as codes
from plugin.loyalty.referring import issuing as invitations
from plugin.loyalty.referring import remote as welcome
from plugin.loyalty.tiers import marking
from plugin.loyalty.tiers import remote as tiers
from plugin.messages import remote as consents
from plugin.storefront import operations as storefront
from plugin.sync import fetching

PERFORMERS: dict[str, Performer] = {
    "discount_code": Performer(codes.create_code, issuing.code_made, codes.find_code, issuing.code_refused),
    "gift_card": Performer(codes.create_card, issuing.code_made, codes.find_card, issuing.code_refused),
    "store_credit": Performer(codes.give_credit, issuing.code_made, codes.find_credit, issuing.code_refused),
    "reward_end": Performer(codes.end_unused, returning.ended, failed=returning.not_ended, repeatable=True),
    "discount_code_end": Performer(codes.end_code, issuing.code_ended, repeatable=True),
    "discount_code_owner": Performer(codes.change_owner, issuing.owner_told, repeatable=True),
    "referral_code": Performer(welcome.create_code, invitations.code_made, codes.find_code, invitations.code_refused),
    "tier_mark": Performer(tiers.write_mark, marking.marked, repeatable=True),
    "theme_data": Performer(storefront.write_theme_data, storefront.theme_data_written, repeatable=True),
    "collections": Performer(catalogue.read_titles, catalogue.keep_titles, repeatable=True),
    "collection": Performer(catalogue.read_one, catalogue.keep_one, repeatable=True),
    "fetch": Performer(fetching.read, fetching.keep, repeatable=True),
    "email_consent": Performer(consents.tell_consent, consents.told, repeatable=True),
}
