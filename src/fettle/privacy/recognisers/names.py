"""Frequent first and last names of many countries, small letters without accents: a few hundred, carried along.

Names are told by the name of their column first; the lists decide where a column is called `col_7`. They need not hold
every name: a fifth of a column's values in them is far more than chance.
"""

from __future__ import annotations

_FIRST = """
    james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph jessica
    thomas sarah charles karen christopher lisa daniel nancy matthew betty anthony margaret mark sandra donald ashley
    steven kimberly paul emily andrew donna joshua michelle kenneth carol kevin amanda brian dorothy george melissa
    timothy deborah ronald stephanie edward rebecca jason sharon jeffrey laura ryan cynthia jacob kathleen gary amy
    nicholas angela eric shirley jonathan anna stephen brenda larry pamela justin emma scott nicole brandon helen
    benjamin samantha samuel katherine gregory christine alexander debra frank rachel patrick carolyn raymond janet jack
    catherine dennis maria jerry heather tyler diane aaron ruth jose julie adam olivia nathan joyce henry virginia
    douglas victoria zachary kelly peter lauren kyle christina ethan joan walter evelyn noah judith jeremy megan
    christian andrea keith cheryl roger hannah terry jacqueline harry martha sean gloria gerald teresa carl ann dylan
    sara arthur madison lawrence frances jordan kathryn jesse janice bryan jean billy abigail bruce alice gabriel julia
    joe judy logan sophia alan grace juan denise albert amber willie doris elijah marilyn wayne danielle randy beverly
    vincent isabella mason theresa roy diana ralph natalie bobby brittany russell charlotte bradley marie philip kayla
    eugene alexis lori oliver liam ava mia amelia harper lucas leo hugo luis carlos jorge miguel pedro manuel antonio
    francisco javier rafael fernando sergio pablo alejandro diego andres ricardo eduardo roberto raul alberto carmen
    isabel lucia elena pilar rosa ana cristina marta paula sofia valentina camila ines beatriz hans klaus juergen jurgen
    wolfgang stefan andreas michaela uwe dieter heinz horst gunter guenter manfred jens sven torsten thorsten lars
    matthias markus tobias florian sebastian felix maximilian moritz jonas lukas lena lea leonie hanna johanna katharina
    sabine petra monika ursula renate helga ingrid gisela birgit heike anja silke claudia susanne katrin kerstin antje
    greta frieda pierre michel andre philippe alain jacques bernard marcel francois nicolas laurent julien antoine
    guillaume mathieu camille chloe manon lea clement nathalie isabelle sylvie valerie veronique celine aurelie sophie
    giuseppe giovanni mario luigi francesco angelo vincenzo salvatore marco andrea alessandro matteo lorenzo davide
    chiara francesca giulia martina federica valentina silvia paola giorgia elisa alessia jan piet kees willem johan
    hendrik daan sem bram lotte sanne fleur anouk femke erik anders lars nils karl olof bjorn mikael johan gustav
    astrid ingrid karin kristina birgitta elin maja freja ole jorgen soren mette kirsten hanne matti juha timo mika
    pekka antti jukka tiina paivi jaana sari krzysztof andrzej piotr pawel tomasz marcin michal grzegorz jakub
    katarzyna malgorzata agnieszka joanna magdalena zofia ewa jiri josef petr pavel tomas martin jana eva lenka
    ivan dmitri dmitry sergei sergey alexei alexey andrei nikolai vladimir olga tatiana natalia irina svetlana ekaterina
    anastasia mehmet mustafa ahmet ali hasan huseyin ibrahim emre fatma ayse emine hatice zeynep elif mohamed mohammed
    muhammad ahmed mahmoud youssef omar khaled hassan fatima aisha mariam zainab yusuf abdullah amir reza hossein raj
    rahul amit sanjay vijay anil sunil rajesh arjun rohan priya anjali pooja neha kavita sunita lakshmi deepak suresh
    ramesh ananya aarav wei ming jun hiroshi takashi kenji yuki haruto sakura yoko akiko naoko minjun jiwoo hyun
    nguyen linh minh anh thanh joao paulo luiz marcos fernanda juliana mariana gabriela larissa bruno thiago rodrigo
    chinedu ngozi kwame kofi ama adaeze oluwaseun tunde amina sipho thabo nomsa siobhan aoife niamh sean ciaran
"""

_LAST = """
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson
    thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young
    allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter
    roberts gomez phillips evans turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers
    gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward richardson watson brooks chavez
    wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers long ross foster jimenez
    powell jenkins perry russell sullivan bell coleman butler henderson barnes gonzales fisher vasquez simmons graham
    murray ford castro mueller muller schmidt schneider fischer weber meyer wagner becker schulz hoffmann schafer koch
    bauer richter klein wolf schroder neumann schwarz zimmermann braun kruger hofmann hartmann lange schmitt werner
    krause meier lehmann schmid schulze maier kohler herrmann konig walter mayer huber kaiser fuchs peters scholz lang
    moller weiss jung hahn vogel friedrich keller gunther frank berger winkler roth beck lorenz baumann franke albrecht
    simon ludwig winter martin bernard dubois durand moreau laurent lefebvre michel bertrand roux david fournier girard
    bonnet dupont lambert fontaine rousseau vincent muller leroy petit robert richard rossi russo ferrari esposito
    bianchi romano colombo ricci marino greco bruno gallo conti mancini costa giordano rizzo lombardi moretti fernandez
    alonso navarro dominguez vazquez gil serrano molina suarez ortega delgado silva santos ferreira pereira oliveira
    rodrigues alves souza lima carvalho gomes ribeiro martins jansen vries berg bakker dijk visser smit meijer boer
    mulder groot bos vos andersson johansson karlsson nilsson eriksson larsson olsson persson svensson gustafsson hansen
    johansen olsen larsen andersen pedersen nielsen jensen christensen rasmussen sorensen korhonen virtanen makinen
    nieminen novak nowak kowalski kowalska wisniewski wojcik kaminski lewandowski zielinski szymanski svoboda dvorak
    horvath nagy kovacs toth szabo popescu ionescu ivanov petrov sidorov smirnov kuznetsov popov volkov yilmaz kaya
    demir celik sahin khan ahmed hussain ali singh kumar sharma gupta verma mehta shah reddy nair iyer das chen wang li
    zhang liu yang huang zhao wu zhou xu sun tanaka suzuki sato takahashi watanabe ito yamamoto nakamura kobayashi kato
    park choi jung kang tran pham hoang okafor mensah osei nkosi dlamini obrien oconnor byrne walsh ryan
"""

FIRST = frozenset(_FIRST.split())
LAST = frozenset(_LAST.split())
