"""What applicants read: the labels of an application, and what they sign, in each language.

A label is named ask_ and the field: the step's or the group's name, then the field's.
"""

from __future__ import annotations

from collections.abc import Mapping

SIGNED_VERSION = "2026-11"
SIGNED = {
    "en": (
        "Everything in this application is true and complete as far as I know. {office} may use it to decide on my "
        "application, may check it with the people and companies I have named, and may obtain reports about my credit "
        "and rental history and background for that decision, as the law allows. Typing my name below is my signature."
    ),
    "es": (
        "Todo lo que digo en esta solicitud es verdadero y completo según mi leal saber. {office} puede usarlo para "
        "decidir sobre mi solicitud, comprobarlo con las personas y empresas que he nombrado y obtener informes sobre "
        "mi crédito, mi historial de alquiler y mis antecedentes para esa decisión, según lo permita la ley. Escribir "
        "mi nombre abajo es mi firma."
    ),
}

EN = {
    "apply": "Apply online",
    "apply_for": "Application for {name}",
    "apply_intro": (
        "This takes about 15 minutes. Each step is saved, and you can come back to it with a link that we send you."
    ),
    "apply_fee": "Application fee: {fee}. It is not paid here.",
    "apply_equal": (
        "Everyone is welcome to apply. Ask us at any time for a reasonable accommodation; you need not do so here."
    ),
    "apply_begin": "Save and continue",
    "apply_next": "Save and continue",
    "apply_later": "Save and finish later",
    "apply_steps": "Steps of the application",
    "apply_step": "Step {n} of {of}",
    "apply_edit": "Change",
    "apply_add": "Add another",
    "apply_submit": "Sign and send the application",
    "apply_saved": "Your application is saved.",
    "apply_saved_sent": "We sent a link to {email} to come back with. It is good for {days} days.",
    "apply_saved_here": "Keep the address of this page: it leads back to your application for {days} days.",
    "apply_go_on": "Continue the application",
    "apply_done": "We have your application for {name}. Thank you.",
    "apply_done_more": "We will look at it and get back to you. If something changes, write to us or call.",
    "apply_over": "This application is closed. Write to us or call if you have questions.",
    "apply_link_late": "This link has expired. Ask for a new one here.",
    "apply_link_moved": "This application continues with the link that we sent. Please use that one.",
    "apply_resume": "Continue an application",
    "apply_resume_how": "Have you started an application? Tell us its email address, and we will send the link again.",
    "apply_resume_button": "Send the link",
    "apply_resume_done": "If an unfinished application has this address, its link is on its way.",
    "apply_resume_ask": "Have you started already?",
    "apply_none_given": "Nothing",
    "apply_incomplete": "These steps are not complete yet:",
    "ask_you": "About you",
    "ask_you_name": "Your full name",
    "ask_you_email": "Email",
    "ask_you_email_fixed": "The link to this application went to {email}. To use another address, start a new one.",
    "ask_you_phone": "Phone",
    "ask_you_move_in": "When would you like to move in?",
    "ask_you_lease_months": "For how many months?",
    "ask_household": "Household and pets",
    "ask_household_people": "How many people will live in the home, you included?",
    "ask_adults": "Other adults",
    "ask_adults_one": "Person {n}",
    "ask_adults_intro": "Everyone aged 18 or older who will live with you. Each needs an application of their own.",
    "ask_adults_name": "Full name",
    "ask_adults_email": "Email",
    "ask_pets": "Pets",
    "ask_pets_one": "Pet {n}",
    "ask_pets_intro": (
        "Assistance animals, which help a person with a disability, are not pets: there is nothing to enter for them."
    ),
    "ask_pets_kind": "What kind of animal?",
    "ask_pets_breed": "Breed",
    "ask_pets_pounds": "Weight in pounds",
    "ask_homes": "Where you have lived",
    "ask_homes_one": "Home {n}",
    "ask_homes_intro": "The home you live in now first, then those before it, for the last three years or so.",
    "ask_homes_street": "Street address",
    "ask_homes_city": "City",
    "ask_homes_state": "State",
    "ask_homes_postal_code": "ZIP code",
    "ask_homes_since": "From (month and year)",
    "ask_homes_until": "To (month and year)",
    "ask_homes_rent": "Monthly rent",
    "ask_homes_landlord": "Landlord or property manager",
    "ask_homes_landlord_phone": "Their phone",
    "ask_homes_why_left": "Why did you leave, or want to?",
    "ask_income": "Income and work",
    "ask_sources": "Sources of income",
    "ask_sources_one": "Source {n}",
    "ask_sources_intro": "Lawful income of any kind counts, housing vouchers and other benefits too.",
    "ask_sources_kind": "What is it?",
    "ask_sources_payer": "From whom (employer or agency)",
    "ask_sources_position": "Position",
    "ask_sources_since": "Since (month and year)",
    "ask_sources_monthly": "Monthly amount, before taxes",
    "ask_sources_contact": "Whom may we ask? (name and phone or email)",
    "ask_income_more": "Is there anything else we should know about it?",
    "ask_documents": "Documents",
    "ask_documents_intro": (
        "Documents that show your income, such as pay stubs or an award letter, and who you are. You may also bring "
        "them to us."
    ),
    "ask_documents_none": "Please send no medical records, and nothing about an assistance animal.",
    "ask_documents_there": "What we have",
    "ask_documents_send": "Send a document",
    "ask_documents_kind": "What does it show?",
    "ask_documents_document": "File",
    "apply_upload": "Send this file",
    "apply_remove": "Remove",
    "document_hint": "PDF or a picture (JPEG, PNG, WebP, HEIC), up to {megabytes} MB each, {most} at most.",
    "document_missing": "Please choose a file.",
    "document_large": "This file is too large: at most {megabytes} MB.",
    "document_type": "We can take PDF files and pictures (JPEG, PNG, WebP, HEIC).",
    "documents_many": "You have sent {most} documents, and more cannot be taken here.",
    "ask_review": "Check and send",
    "ask_review_signature": "Your full name, as your signature",
    "ask_review_agreed": "I agree",
    "month_hint": "Such as 04/2024.",
    "until_hint": "Such as 04/2024; leave it empty if you still live there.",
    "remove_hint": "To remove an entry, empty its fields.",
    "answer_missing": "Please fill this in.",
    "day_wrong": "Write a date like 4/30/2026.",
    "month_wrong": "Write month and year like 04/2024.",
    "money_wrong": "Write an amount like 1450.",
    "count_wrong": "Write a whole number.",
    "choice_wrong": "Please choose one.",
    "signature_missing": "Please type your name.",
    "agreement_missing": "We need your agreement to look at the application.",
    "steps_incomplete": "Please complete the steps that are named below.",
}
ES = {
    "apply": "Solicitar en línea",
    "apply_for": "Solicitud para {name}",
    "apply_intro": ("Lleva unos 15 minutos. Cada paso se guarda y puede volver a él con un enlace que le enviamos."),
    "apply_fee": "Cargo por solicitud: {fee}. No se paga aquí.",
    "apply_equal": (
        "Todas las personas son bienvenidas. Pídanos en cualquier momento un ajuste razonable; no hace falta decirlo "
        "aquí."
    ),
    "apply_begin": "Guardar y continuar",
    "apply_next": "Guardar y continuar",
    "apply_later": "Guardar y terminar después",
    "apply_steps": "Pasos de la solicitud",
    "apply_step": "Paso {n} de {of}",
    "apply_edit": "Cambiar",
    "apply_add": "Añadir otro",
    "apply_submit": "Firmar y enviar la solicitud",
    "apply_saved": "Su solicitud está guardada.",
    "apply_saved_sent": "Hemos enviado a {email} un enlace con el que puede continuar. Vale durante {days} días.",
    "apply_saved_here": "Guarde la dirección de esta página: lleva a su solicitud durante {days} días.",
    "apply_go_on": "Continuar con la solicitud",
    "apply_done": "Hemos recibido su solicitud para {name}. Gracias.",
    "apply_done_more": "La revisaremos y le responderemos. Si algo ha cambiado, escríbanos o llámenos.",
    "apply_over": "Esta solicitud está cerrada. Escríbanos o llámenos si tiene preguntas.",
    "apply_link_late": "Este enlace ya no es válido. Pida uno nuevo aquí.",
    "apply_link_moved": "Esta solicitud continúa con el enlace que le enviamos. Use ese, por favor.",
    "apply_resume": "Continuar una solicitud",
    "apply_resume_how": (
        "¿Ya empezó una solicitud? Díganos su correo electrónico y le enviaremos allí el enlace otra vez."
    ),
    "apply_resume_button": "Enviar el enlace",
    "apply_resume_done": "Si hay una solicitud sin terminar con este correo, su enlace está en camino.",
    "apply_resume_ask": "¿Ya empezó?",
    "apply_none_given": "Nada",
    "apply_incomplete": "Estos pasos aún no están completos:",
    "ask_you": "Sobre usted",
    "ask_you_name": "Su nombre completo",
    "ask_you_email": "Correo electrónico",
    "ask_you_email_fixed": "El enlace a esta solicitud fue a {email}. Para usar otro correo, empiece una nueva.",
    "ask_you_phone": "Teléfono",
    "ask_you_move_in": "¿Cuándo le gustaría mudarse?",
    "ask_you_lease_months": "¿Por cuántos meses?",
    "ask_household": "Hogar y mascotas",
    "ask_household_people": "¿Cuántas personas vivirán en la vivienda, incluyéndole a usted?",
    "ask_adults": "Otros adultos",
    "ask_adults_one": "Persona {n}",
    "ask_adults_intro": "Quienes tienen 18 años o más y vivirán con usted. Cada persona necesita una solicitud propia.",
    "ask_adults_name": "Nombre completo",
    "ask_adults_email": "Correo electrónico",
    "ask_pets": "Mascotas",
    "ask_pets_one": "Mascota {n}",
    "ask_pets_intro": (
        "Los animales de asistencia, que ayudan a una persona con discapacidad, no son mascotas: no hay que anotarlos."
    ),
    "ask_pets_kind": "¿Qué animal es?",
    "ask_pets_breed": "Raza",
    "ask_pets_pounds": "Peso en libras",
    "ask_homes": "Dónde ha vivido",
    "ask_homes_one": "Vivienda {n}",
    "ask_homes_intro": "Primero la vivienda actual y luego las anteriores, de los últimos tres años más o menos.",
    "ask_homes_street": "Dirección",
    "ask_homes_city": "Ciudad",
    "ask_homes_state": "Estado",
    "ask_homes_postal_code": "Código postal",
    "ask_homes_since": "Desde (mes y año)",
    "ask_homes_until": "Hasta (mes y año)",
    "ask_homes_rent": "Alquiler al mes",
    "ask_homes_landlord": "Propietario o administrador",
    "ask_homes_landlord_phone": "Su teléfono",
    "ask_homes_why_left": "¿Por qué se fue o quiere irse?",
    "ask_income": "Ingresos y trabajo",
    "ask_sources": "Fuentes de ingresos",
    "ask_sources_one": "Fuente {n}",
    "ask_sources_intro": "Cuentan todos los ingresos lícitos, también los vales de vivienda y otras ayudas.",
    "ask_sources_kind": "¿Qué es?",
    "ask_sources_payer": "De quién (empleador o agencia)",
    "ask_sources_position": "Puesto",
    "ask_sources_since": "Desde (mes y año)",
    "ask_sources_monthly": "Cantidad al mes, antes de impuestos",
    "ask_sources_contact": "¿A quién podemos preguntar? (nombre y teléfono o correo)",
    "ask_income_more": "¿Hay algo más que debamos saber sobre esto?",
    "ask_documents": "Documentos",
    "ask_documents_intro": (
        "Lo que muestra sus ingresos, como recibos de nómina o una carta de prestaciones, y quién es usted. También "
        "puede traérnoslos."
    ),
    "ask_documents_none": "No envíe expedientes médicos ni nada sobre un animal de asistencia.",
    "ask_documents_there": "Lo que tenemos",
    "ask_documents_send": "Enviar un documento",
    "ask_documents_kind": "¿Qué muestra?",
    "ask_documents_document": "Archivo",
    "apply_upload": "Enviar este archivo",
    "apply_remove": "Quitar",
    "document_hint": "PDF o imagen (JPEG, PNG, WebP, HEIC), hasta {megabytes} MB cada uno, {most} como máximo.",
    "document_missing": "Elija un archivo, por favor.",
    "document_large": "Este archivo es demasiado grande: {megabytes} MB como máximo.",
    "document_type": "Podemos recibir archivos PDF e imágenes (JPEG, PNG, WebP, HEIC).",
    "documents_many": "Ya envió {most} documentos y aquí no se pueden recibir más.",
    "ask_review": "Revisar y enviar",
    "ask_review_signature": "Su nombre completo, como firma",
    "ask_review_agreed": "Estoy de acuerdo",
    "month_hint": "Por ejemplo, 04/2024.",
    "until_hint": "Por ejemplo, 04/2024; déjelo vacío si aún vive allí.",
    "remove_hint": "Para quitar una entrada, vacíe sus campos.",
    "answer_missing": "Complete este campo, por favor.",
    "day_wrong": "Escriba una fecha así: 4/30/2026.",
    "month_wrong": "Escriba mes y año así: 04/2024.",
    "money_wrong": "Escriba una cantidad así: 1450.",
    "count_wrong": "Escriba un número entero.",
    "choice_wrong": "Elija una opción, por favor.",
    "signature_missing": "Escriba su nombre, por favor.",
    "agreement_missing": "Necesitamos su acuerdo para revisar la solicitud.",
    "steps_incomplete": "Complete los pasos que se nombran abajo, por favor.",
}
WORDS: Mapping[str, Mapping[str, str]] = {"en": EN, "es": ES}

TERMS_ES = {
    "job": "trabajo",
    "self-employed": "trabajo por cuenta propia",
    "retirement": "jubilación",
    "benefits": "prestaciones",
    "housing-voucher": "vale de vivienda",
    "student-aid": "ayuda para estudiantes",
    "savings": "ahorros",
    "income": "ingresos",
    "identity": "identidad",
    "rental-history": "historial de alquiler",
    "other": "otro",
}
"""What is chosen from a list."""

ADVERSE_ACTION = (
    "If a report about the applicant played a part, the law asks for an adverse action notice (15 U.S.C. 1681m): who "
    "made the report, that they did not decide, and the right to a free copy and to dispute it."
)
"""What whoever denies an application is told."""


def label(name: str) -> str:
    """A step, group or field as the office reads it."""
    return EN[f"ask_{name}"]
